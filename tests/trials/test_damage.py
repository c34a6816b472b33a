"""Damaged tables, files and settings, and questions that ask for one trial twice: no traceback."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save

from helpers import UserError
from helpers.__main__ import main
from helpers.trials import reading, runner, studies
from helpers.trials.outcome import from_bytes, to_bytes
from helpers.trials.settings import setting_for
from helpers.trials.store import Store
from helpers.trials.trial import from_json
from tests.trials.made import names, said, settle_facts, store_in, trial

SIX = said(0, 1, 2, 3, 4, 5)


@pytest.fixture
def store(tmp_path):
    made = store_in(tmp_path)
    made.put(trial(), SIX)
    return made


def test_numbers_of_numpy_have_a_key():
    assert trial(labels=np.int64(4)).key == trial().key


def test_a_cut_table_is_a_sentence_when_shipping_too(store, tmp_path):
    store.ship([trial()])
    table = tmp_path / "shipped" / "letters.parquet"
    table.write_bytes(table.read_bytes()[:-50])
    with pytest.raises(UserError, match="restore it from git"):
        store_in(tmp_path).ship([trial()])


def test_a_table_without_outcomes_is_a_sentence(tmp_path):
    pd.DataFrame({"key": [trial().key]}).to_parquet(tmp_path / "letters.parquet")
    with pytest.raises(UserError, match="restore it from git"):
        Store(None, tmp_path).get(trial())


def test_a_table_in_other_groups_of_rows_gives_each_trial_its_own(tmp_path):
    trials = [trial(draw=draw) for draw in range(100)]
    store = store_in(tmp_path)
    for one in trials:
        store.put(one, SIX)
    (table,) = store.ship(trials)
    pq.write_table(pq.read_table(table), table, row_group_size=32)
    assert all(Store(None, store.shipped).get(one) for one in trials)


def test_an_export_is_compressed(store, tmp_path):
    store.export(tmp_path / "out.zip", [trial()])
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED


def test_a_damaged_compressed_member_is_a_sentence(tmp_path):
    file = tmp_path / "back.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", to_bytes(trial(), SIX))
    data = bytearray(file.read_bytes())
    data[31] = 7
    file.write_bytes(data)
    with pytest.raises(UserError, match="cut short or no zip file"):
        store_in(tmp_path).merge(file)


def test_one_trial_twice_in_a_zip_must_agree(tmp_path):
    with zipfile.ZipFile(tmp_path / "back.zip", "w") as archive:
        archive.writestr("a", to_bytes(trial(), SIX))
        archive.writestr("b", to_bytes(trial(), said(5, 4, 3, 2, 1, 0)))
    with pytest.raises(UserError, match="disagrees"):
        store_in(tmp_path).merge(tmp_path / "back.zip")


def test_another_number_of_types_is_a_sentence(tmp_path):
    one = trial(task="tagging", items=1)
    store, other = store_in(tmp_path / "a"), store_in(tmp_path / "b")
    store.put(one, names([[1, 0]], [[0, 0]], [[0, 0]]))
    other.put(one, names([[1, 0, 0]], [[0, 0, 0]], [[0, 0, 0]]))
    other.export(tmp_path / "back.zip", [one])
    with pytest.raises(UserError):
        store.merge(tmp_path / "back.zip")


@pytest.mark.parametrize(
    "data",
    [
        save({"items.a": np.zeros(2)}, {"outcome": json.dumps({"cost": {}, "origin": {}})}),
        save({"items.a": np.zeros(2)}, {"outcome": "[1]"}),
        save(
            {"a": np.zeros(2)},
            {"outcome": json.dumps({"trial": trial().json(), "cost": {}, "origin": {}})},
        ),
    ],
)
def test_facts_without_a_trial_or_arrays_of_no_part_are_a_sentence(data):
    with pytest.raises(UserError, match="no outcome of a trial"):
        from_bytes(data)


@pytest.mark.parametrize("found", ["[1]", "[{arm: x}]", "{a: 1}"])
def test_damaged_entries_of_settings_are_a_sentence(tmp_path, found):
    file = tmp_path / "s.yaml"
    file.write_text(f"corpora: {{}}\nmodels: {{}}\nfound: {found}\n")
    with pytest.raises(UserError, match="no file of settings"):
        setting_for("classification", "a", "b", "x", 4, file)


@pytest.mark.parametrize(
    "words",
    [
        ["--jobs", "0"],
        ["--arms", "tfidf", "--labels", "0"],
        ["--arms", "tfidf", "--labels", "-5"],
    ],
)
def test_the_command_line_refuses_in_a_sentence(words, capsys):
    assert main(["trials", "topics", *words]) == 2


def test_two_counts_above_all_items_are_one_set_of_trials(monkeypatch):
    settle_facts(monkeypatch)
    asked = studies.Question(arms=("majority",), labels=(1000, 2000), draws=1)
    assert len(studies.label_efficiency(asked)) == 1


def test_a_trial_asked_for_twice_is_run_once(tmp_path, monkeypatch):
    def share_out(tasks, facts, jobs, *, report, **rest):
        for text, _ in tasks:
            report(from_json(text).key, 1.0, "")

    monkeypatch.setattr(runner, "share_out", share_out)
    monkeypatch.setattr(runner.inputs, "prepare_inputs", lambda *given: "x")
    assert runner.run_trials([trial()] * 2, store_in(tmp_path), device="cpu", progress=None) == {}


def test_a_study_that_was_never_searched_hides_no_advice(tmp_path, monkeypatch):
    def setting_of(task, *marks):
        if task == "tagging":
            raise UserError("No setting of the arm has been found yet.")
        return {"regularization": 10.0, "steps": 1}

    settle_facts(monkeypatch)
    monkeypatch.setattr(studies, "setting_for", setting_of)
    monkeypatch.setattr(reading, "store_for", lambda use: store_in(tmp_path))
    asked = replace(studies.STUDIES["topics"], labels=(7,))
    with pytest.raises(UserError, match="trials are not stored"):
        reading.read(asked, "stored")
