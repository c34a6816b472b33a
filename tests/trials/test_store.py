import zipfile
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from helpers import UserError
from helpers.base import files
from helpers.trials import store as module
from helpers.trials.outcome import to_bytes
from helpers.trials.store import ENDING, Store
from tests.trials.made import ORIGIN, names, said, same, store_in, trial

TEN = [trial(draw=draw) for draw in range(10)]


def answers(one):
    """Return an outcome that no other draw has."""
    return said(0, 1, 2, 3, 4, one.draw, cost={"steps": one.draw})


def filled(folder, trials=TEN):
    store = store_in(folder)
    for one in trials:
        store.put(one, answers(one))
    return store


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refusal(call):
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    return str(error.value)


# own outcomes


def test_what_is_put_is_got(tmp_path):
    store = filled(tmp_path)
    assert all(same(store.get(one), answers(one)) for one in TEN)
    assert store.where(TEN[0]) == "own"
    assert store.get(trial(draw=10)) is None and store.where(trial(draw=10)) is None


def test_an_own_outcome_is_one_file_named_by_its_key(tmp_path):
    store_in(tmp_path).put(TEN[0], answers(TEN[0]))
    key = TEN[0].key
    assert tree(tmp_path) == {f"own/{key[:2]}/{key}.safetensors": to_bytes(TEN[0], answers(TEN[0]))}


def test_an_empty_store_misses_everything(tmp_path):
    store = store_in(tmp_path / "nowhere")
    assert store.missing(TEN) == TEN and store.all_trials() == []
    assert not (tmp_path / "nowhere").exists()


def test_missing_trials_keep_their_order(tmp_path):
    asked = [TEN[at] for at in (7, 1, 9, 0, 3)]
    assert filled(tmp_path, [TEN[1], TEN[0]]).missing(asked) == [TEN[7], TEN[9], TEN[3]]


def test_another_process_sees_what_was_put_meanwhile(tmp_path):
    early, other = store_in(tmp_path), store_in(tmp_path)
    assert early.missing(TEN[:1]) == TEN[:1]
    other.put(TEN[0], answers(TEN[0]))
    assert early.missing(TEN[:1]) == [] and early.where(TEN[0]) == "own"


def test_a_second_outcome_takes_the_place_of_the_first(tmp_path):
    store = filled(tmp_path)
    store.put(TEN[0], said(5, 5, 5, 5, 5, 5))
    assert store.get(TEN[0]).items["predicted"].tolist() == [5] * 6
    assert len(tree(tmp_path)) == 10


def test_a_full_disk_leaves_the_old_outcome_and_nothing_half_written(tmp_path, monkeypatch):
    store = filled(tmp_path)
    before = tree(tmp_path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    for one in (TEN[0], trial(draw=10)):
        said_of = refusal(lambda one=one: store.put(one, said(5, 5, 5, 5, 5, 5)))
        assert said_of.startswith(f"Cannot write {tmp_path}/own/{one.key[:2]}/{one.key}.safetens")
        assert said_of.endswith(
            "No space left on device; free some space or name another place. Nothing half-written "
            "is left."
        )
    assert tree(tmp_path) == before
    assert same(store.get(TEN[0]), answers(TEN[0]))


def test_the_rest_of_a_kill_is_no_outcome(tmp_path):
    store = filled(tmp_path, TEN[:1])
    left = tmp_path / "own" / TEN[0].key[:2] / f".{TEN[1].key}{ENDING}.abc"
    left.write_bytes(b"half of i")
    left.with_name(f".{TEN[2].key}{ENDING}").write_bytes(b"")
    assert store.missing(TEN[:3]) == TEN[1:3] and store.all_trials() == TEN[:1]


def test_inputs_beside_the_outcomes_are_no_outcomes(tmp_path):
    store = filled(tmp_path, TEN[:1])
    (tmp_path / "own" / "inputs").mkdir()
    (tmp_path / "own" / "inputs" / f"{TEN[1].key}{ENDING}").write_bytes(b"")
    assert store.missing(TEN[:2]) == [TEN[1]]


def test_a_cut_outcome_is_one_sentence(tmp_path):
    store = filled(tmp_path)
    (file,) = (tmp_path / "own").rglob(f"{TEN[0].key}*")
    file.write_bytes(file.read_bytes()[:-20])
    assert refusal(lambda: store.get(TEN[0])) == (
        f"The outcome {TEN[0].key} of letters tfidf, 4 labels, draw 0 is cut short or no outcome "
        "of a trial; delete it, and the trial is run again."
    )


def test_an_outcome_under_another_key_is_refused(tmp_path):
    store = filled(tmp_path)
    first, second = (next((tmp_path / "own").rglob(f"{one.key}*")) for one in TEN[:2])
    first.write_bytes(second.read_bytes())
    assert refusal(lambda: store.get(TEN[0])) == (
        f"The outcome {TEN[0].key} is of another trial (letters tfidf, 4 labels, draw 1)."
    )


def test_an_outcome_of_other_items_is_not_kept(tmp_path):
    store = store_in(tmp_path)
    with pytest.raises(UserError, match="has 2 items in 'predicted', but 6 are scored"):
        store.put(TEN[0], said(0, 1))
    assert tree(tmp_path) == {}


def test_a_store_without_a_folder_of_its_own_takes_nothing(tmp_path):
    store = Store(None, tmp_path)
    assert refusal(lambda: store.put(TEN[0], answers(TEN[0]))) == (
        "This store reads shipped outcomes only; nothing can be put into it."
    )
    assert store.missing(TEN) == TEN and store.where(TEN[0]) is None


def test_ten_thousand_outcomes_are_looked_through_by_their_names(tmp_path, monkeypatch):
    trials = [trial(draw=draw) for draw in range(10_000)]
    for part in {one.key[:2] for one in trials}:
        (tmp_path / "own" / part).mkdir(parents=True)
    for one in trials:
        (tmp_path / "own" / one.key[:2] / f"{one.key}{ENDING}").touch()
    monkeypatch.setattr(module, "from_bytes", None)  # no file is opened
    more = [trial(draw=draw) for draw in range(9_990, 10_005)]
    assert store_in(tmp_path).missing(trials) == []
    assert store_in(tmp_path).missing([*trials, *more]) == more[10:]


# shipped outcomes


def test_shipped_outcomes_are_the_same_arrays(tmp_path):
    trials = [*TEN, *(trial(draw=draw, corpus="numbers", labels=64) for draw in range(3))]
    store = filled(tmp_path, trials)
    written = store.ship(trials)
    folder = tmp_path / "shipped"
    assert written == {folder / "letters.parquet": 10, folder / "numbers.parquet": 3}
    for reader in (store, Store(None, folder)):
        assert all(same(reader.get(one), answers(one)) for one in trials)
        assert {reader.where(one) for one in trials} == {"shipped"}
    assert {*Store(None, folder).all_trials()} == {*trials}


def test_a_shipped_table_says_its_trials_to_a_reader_with_pandas(tmp_path):
    trials = [trial(draw=draw, labels=labels) for labels in (64, 4) for draw in (1, 0)]
    filled(tmp_path, trials).ship(trials)
    table = pd.read_parquet(tmp_path / "shipped" / "letters.parquet")
    assert table[["arm", "labels", "draw"]].to_numpy().tolist() == [
        ["tfidf", 4, 0],
        ["tfidf", 4, 1],
        ["tfidf", 64, 0],
        ["tfidf", 64, 1],
    ]
    assert table["outcome"][0] == to_bytes(trials[3], answers(trials[3]))
    assert table["key"][0] == trials[3].key


def test_a_shipped_outcome_is_read_when_it_is_asked_for(tmp_path, monkeypatch):
    trials = [trial(draw=draw) for draw in range(100)]  # 64 to a group of rows
    filled(tmp_path, trials).ship(trials)
    read = []

    def watched(self, group, *columns, **how):
        read.append(group)
        return original(self, group, *columns, **how)

    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    reader = Store(None, tmp_path / "shipped")
    assert reader.missing(trials) == [] and reader.where(trials[0]) == "shipped"
    assert read == []
    for draw in (99, 0):
        assert same(reader.get(trials[draw]), answers(trials[draw]))
    assert read == [1, 0]


def test_a_shipped_outcome_goes_before_an_own_one(tmp_path):
    store = filled(tmp_path)
    store.ship(TEN[:1])
    mine = said(5, 5, 5, 5, 5, 5)
    for one in TEN[:2]:
        store.put(one, mine)
    assert same(store.get(TEN[0]), answers(TEN[0])) and same(store.get(TEN[1]), mine)
    assert [store.where(one) for one in TEN[:2]] == ["shipped", "own"]
    assert same(Store(tmp_path / "own", None).get(TEN[0]), mine)


def test_shipping_twice_replaces_nothing_and_adds_what_is_new(tmp_path):
    store = filled(tmp_path, TEN[:4])
    store.ship(TEN[:3])
    before = tree(tmp_path / "shipped")
    store.put(TEN[0], said(5, 5, 5, 5, 5, 5))
    assert list(store.ship(TEN[:3]).values()) == [3]
    assert tree(tmp_path / "shipped") == before
    assert list(store.ship(TEN).values()) == [4]
    assert all(same(Store(None, store.shipped).get(one), answers(one)) for one in TEN[:4])


def test_nothing_to_ship_is_no_table(tmp_path):
    assert store_in(tmp_path).ship(TEN) == {} and tree(tmp_path) == {}
    assert refusal(lambda: Store(tmp_path, None).ship(TEN)) == (
        "This store has no folder of shipped outcomes to write to."
    )


def test_a_full_disk_leaves_the_old_table(tmp_path, monkeypatch):
    store = filled(tmp_path)
    store.ship(TEN[:3])
    before = tree(tmp_path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"^Cannot write .*letters\.parquet: No space left on dev"):
        store.ship(TEN)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_cut_table_is_one_sentence(tmp_path, share):
    filled(tmp_path).ship(TEN)
    table = tmp_path / "shipped" / "letters.parquet"
    table.write_bytes(table.read_bytes()[: int(share * table.stat().st_size)])
    for read in (lambda s: s.get(TEN[0]), lambda s: s.missing(TEN), lambda s: s.all_trials()):
        assert refusal(lambda read=read: read(store_in(tmp_path))) == (
            f"{table} is cut short or no table of outcomes: restore it from git."
        )


def test_a_table_damaged_in_its_middle_is_one_sentence(tmp_path):
    filled(tmp_path).ship(TEN)
    table = tmp_path / "shipped" / "letters.parquet"
    place = pq.read_metadata(table).row_group(0).column(8).data_page_offset
    data = bytearray(table.read_bytes())
    data[place : place + 200] = bytes(200)
    table.write_bytes(data)
    reader = store_in(tmp_path)
    assert reader.missing(TEN) == []
    assert refusal(lambda: reader.get(TEN[0])) == (
        f"{table} is cut short or no table of outcomes: restore it from git."
    )


def test_a_table_of_something_else_is_one_sentence(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "letters.parquet")
    with pytest.raises(UserError, match=r"letters\.parquet is cut short or no table of outcomes"):
        Store(None, tmp_path).missing(TEN)


# away and back


def test_two_halves_merged_are_one_whole(tmp_path):
    whole = filled(tmp_path / "whole")
    for name, half in (("first", TEN[:5]), ("second", TEN[4:])):
        filled(tmp_path / name, half).export(tmp_path / f"{name}.zip", TEN)
    both = store_in(tmp_path / "both")
    assert both.merge(tmp_path / "first.zip") == (5, 0)
    assert both.merge(tmp_path / "second.zip") == (5, 1)
    assert both.merge(tmp_path / "second.zip") == (0, 6)
    assert tree(both.own) == tree(whole.own)


def test_an_export_holds_what_there_is_shipped_or_own(tmp_path):
    store = filled(tmp_path, TEN[:4])
    store.ship(TEN[:2])
    assert store.export(tmp_path / "out.zip", [*TEN[5:], *TEN[1:4]]) == 3
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == [one.key + ENDING for one in TEN[1:4]]


def test_equal_stores_export_equal_files(tmp_path):
    for name, order in (("a", TEN), ("b", TEN[::-1])):
        filled(tmp_path / name, order).export(tmp_path / f"{name}.zip", TEN)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def packed(folder, pairs):
    """Write a zip file of trials and outcomes as another machine would."""
    with zipfile.ZipFile(folder / "back.zip", "w") as archive:
        for one, outcome in pairs:
            archive.writestr(one.key + ENDING, to_bytes(one, outcome))
    return folder / "back.zip"


def test_an_outcome_of_another_protocol_is_refused(tmp_path):
    old = trial(protocol=99)
    file = packed(tmp_path, [(old, answers(old))])
    assert refusal(lambda: store_in(tmp_path).merge(file)) == (
        f"{old.key}.safetensors in {file} is of protocol 99 of classification, this is protocol "
        f"{trial().protocol}: run it again."
    )


def test_an_outcome_for_another_number_of_items_is_refused(tmp_path):
    file = packed(tmp_path, [(TEN[0], answers(TEN[0]))])
    store = store_in(tmp_path)
    assert refusal(lambda: store.merge(file, {"letters test": 2189})) == (
        f"{TEN[0].key}.safetensors in {file} scored 6 items of letters's test split, which has "
        "2,189."
    )
    assert store.merge(file, {"letters test": 6, "letters validation": 9}) == (1, 0)


def test_an_outcome_with_fewer_answers_than_items_is_refused(tmp_path):
    six = to_bytes(TEN[0], answers(TEN[0]))
    lying = six.replace(b'\\"items\\\\\\": 6', b'\\"items\\\\\\": 7')
    assert lying != six
    with zipfile.ZipFile(tmp_path / "back.zip", "w") as archive:
        archive.writestr("x", lying)
    with pytest.raises(UserError, match=r"has 6 items in 'p.*', but 7 are scored"):
        store_in(tmp_path).merge(tmp_path / "back.zip")


def test_two_outcomes_of_one_origin_must_agree(tmp_path):
    store = filled(tmp_path)
    file = packed(tmp_path, [(TEN[0], said(5, 5, 5, 5, 5, 5))])
    assert refusal(lambda: store.merge(file)) == (
        f"{TEN[0].key}.safetensors in {file} disagrees with the kept outcome of letters tfidf, 4 "
        "labels, draw 0, though device and versions are equal: one of the two is wrong; verify "
        "both."
    )


@pytest.mark.parametrize("what", ["device", "threads", "torch", "transformers"])
def test_two_outcomes_of_different_origin_may_disagree_and_the_kept_one_stays(tmp_path, what):
    store = filled(tmp_path)
    other = said(5, 5, 5, 5, 5, 5, origin=ORIGIN | {what: "another"})
    assert store.merge(packed(tmp_path, [(TEN[0], other)])) == (0, 1)
    assert same(store.get(TEN[0]), answers(TEN[0]))


def test_day_and_commit_excuse_no_disagreement(tmp_path):
    store = filled(tmp_path)
    later = said(5, 5, 5, 5, 5, 5, origin=ORIGIN | {"date": "2030-01-01", "commit": "abc"})
    with pytest.raises(UserError, match="disagrees with the kept outcome"):
        store.merge(packed(tmp_path, [(TEN[0], later)]))


def test_one_item_in_two_hundred_may_differ_and_three_may_not(tmp_path):
    one = trial(items=200)
    store = store_in(tmp_path)
    store.put(one, said(*[0] * 200))
    near, far = (said(*[1] * n, *[0] * (200 - n)) for n in (1, 3))
    assert store.merge(packed(tmp_path, [(one, near)])) == (0, 1)
    with pytest.raises(UserError, match="disagrees"):
        store.merge(packed(tmp_path, [(one, far)]))


def test_counts_of_a_tagger_are_compared_too(tmp_path):
    one = trial(task="tagging", arm="linear", items=1)
    store = store_in(tmp_path)
    store.put(one, names([[1]], [[0]], [[0]]))
    with pytest.raises(UserError, match="disagrees"):
        store.merge(packed(tmp_path, [(one, names([[1]], [[0]], [[2]]))]))


@pytest.mark.parametrize(
    "bad",
    [
        (trial(protocol=99), said(0, 0, 0, 0, 0, 0)),
        (trial(items=3), said(0, 0, 0)),
        (TEN[0], said(5, 5, 5, 5, 5, 5)),
    ],
    ids=["protocol", "items", "disagrees"],
)
def test_all_are_looked_at_before_the_first_is_kept(tmp_path, bad):
    store = filled(tmp_path, TEN[:1])
    before = tree(tmp_path / "own")
    file = packed(tmp_path, [(TEN[1], answers(TEN[1])), bad])
    with pytest.raises(UserError):
        store.merge(file, {"letters test": 6})
    assert tree(tmp_path / "own") == before


def test_a_damaged_member_lets_nothing_in(tmp_path):
    with zipfile.ZipFile(tmp_path / "back.zip", "w") as archive:
        archive.writestr("a.safetensors", to_bytes(TEN[0], answers(TEN[0])))
        archive.writestr("b.safetensors", to_bytes(TEN[1], answers(TEN[1]))[:-9])
    assert refusal(lambda: store_in(tmp_path).merge(tmp_path / "back.zip")) == (
        f"b.safetensors in {tmp_path}/back.zip is cut short or no outcome of a trial; delete it, "
        "and the trial is run again."
    )
    assert not (tmp_path / "own").exists()


def test_what_is_no_zip_file_is_one_sentence(tmp_path):
    filled(tmp_path).export(tmp_path / "whole.zip", TEN)
    cut = tmp_path / "cut.zip"
    cut.write_bytes((tmp_path / "whole.zip").read_bytes()[:-50])
    store = store_in(tmp_path)
    assert refusal(lambda: store.merge(cut)) == (
        f"{cut} is cut short or no zip file of outcomes (File is not a zip file)."
    )
    assert refusal(lambda: store.merge(tmp_path / "none.zip")) == (
        f"There is no file {tmp_path}/none.zip to merge."
    )
    assert "is cut short or no zip file" in refusal(lambda: store.merge(tmp_path))


def test_a_store_without_a_folder_of_its_own_merges_nothing(tmp_path):
    file = packed(tmp_path, [(TEN[0], answers(TEN[0]))])
    with pytest.raises(UserError, match="reads shipped outcomes only"):
        Store(None, tmp_path).merge(file)


def test_the_trials_of_a_store_are_told_once_each(tmp_path):
    store = filled(tmp_path, TEN[:4])
    other = trial(corpus="numbers")
    store.put(other, answers(other))
    store.ship([TEN[0], other])
    found = store.all_trials()
    assert len(found) == 5 and {*found} == {*TEN[:4], other}
    assert Store(None, store.shipped).all_trials() == [TEN[0], other]


def test_a_trial_that_was_read_from_a_store_finds_its_outcome_again(tmp_path):
    one = replace(TEN[0], setting=(("regularization", 10.0), ("pooling", "mean")))
    store = store_in(tmp_path)
    store.put(one, answers(one))
    (found,) = store.all_trials()
    assert same(store.get(found), answers(one))
