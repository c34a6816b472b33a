"""Networks that several trials start from: trained once, whole or not there, whoever asks."""

import multiprocessing
import os
import signal
import time

import pytest
import torch
import transformers
from torch import nn

from helpers.trials import kept
from tests.trials.made import trial

CPU = torch.device("cpu")
ONE = trial(arm="fine_tuned")


@pytest.fixture(autouse=True)
def folder(tmp_path):
    kept.keep_in(tmp_path / "networks")
    yield tmp_path / "networks"
    kept.keep_in(None)


def blank():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def trainer(times, value=7.0):
    def train(model):
        times.append(1)
        with torch.no_grad():
            model.weight.fill_(value)
        return {"flops": 5.0, "tokens": len(times)}

    return train


def test_it_is_trained_once_and_read_after_that(folder):
    times = []
    first, said = kept.network(ONE, blank, trainer(times), CPU)
    again, repeated = kept.network(ONE, blank, trainer(times), CPU)
    assert len(times) == 1 and said == repeated == {"flops": 5.0, "tokens": 1}
    assert torch.equal(first.weight, again.weight) and not again.training
    other, _ = kept.network(trial(arm="fine_tuned", draw=1), blank, trainer(times, 2.0), CPU)
    assert len(times) == 2 and other.weight[0, 0].item() == 2.0
    assert [file.name for file in folder.glob("*.safetensors")].count(f"{ONE.key}.safetensors") == 1


def test_without_a_folder_nothing_is_kept(folder):
    kept.keep_in(None)
    times = []
    for _ in range(2):
        kept.network(ONE, blank, trainer(times), CPU)
    assert len(times) == 2 and not folder.exists()


@pytest.mark.parametrize("damage", ["half", "empty", "other"])
def test_a_damaged_file_is_made_anew(folder, damage):
    times = []
    kept.network(ONE, blank, trainer(times), CPU)
    file = kept.file_of(ONE, folder)
    data = file.read_bytes()
    if damage == "other":
        kept.network(trial(draw=3), lambda: nn.Linear(5, 5), trainer(times), CPU)
        data = kept.file_of(trial(draw=3), folder).read_bytes()
        times.pop()
    file.write_bytes({"half": data[: len(data) // 2], "empty": b"", "other": data}[damage])
    model, _ = kept.network(ONE, blank, trainer(times), CPU)
    assert len(times) == 2 and model.weight[0, 0].item() == 7.0
    kept.network(ONE, blank, trainer(times), CPU)
    assert len(times) == 2


def test_one_of_other_versions_is_trained_again(monkeypatch):
    times = []
    kept.network(ONE, blank, trainer(times), CPU)
    monkeypatch.setattr(transformers, "__version__", "0.1")
    kept.network(ONE, blank, trainer(times), CPU)
    assert len(times) == 2


def slow_process(folder, log, seconds):
    """Train for some seconds and note it; runs in a process of its own."""
    kept.keep_in(folder)

    def train(model):
        with log.open("a") as out:
            out.write("begun\n")
        time.sleep(seconds)
        return {"flops": 1.0, "tokens": 1}

    kept.network(ONE, blank, train, CPU)
    with log.open("a") as out:
        out.write("have it\n")


def start(*arguments):
    process = multiprocessing.get_context("spawn").Process(target=slow_process, args=arguments)
    process.start()
    return process


def wait_for(log, line, count=1):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if log.exists() and log.read_text().splitlines().count(line) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{line} was not seen {count} times")


def test_two_processes_train_it_once(folder, tmp_path):
    log = tmp_path / "log"
    both = [start(folder, log, 1.0) for _ in range(2)]
    for process in both:
        process.join(120)
    assert sorted(log.read_text().splitlines()) == ["begun", "have it", "have it"]


def test_a_kill_leaves_nothing_and_locks_nobody_out(folder, tmp_path):
    log = tmp_path / "log"
    victim = start(folder, log, 600.0)
    wait_for(log, "begun")
    waiting = start(folder, log, 0.0)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(30)
    waiting.join(120)
    assert log.read_text().splitlines() == ["begun", "begun", "have it"]
    assert len(list(folder.glob("*.safetensors"))) == 1
    assert kept.file_of(ONE, folder).exists()


# what a compressed trial starts from


def compressed(arm, **options):
    setting = {"parent_steps": 9, "parent_learning_rate": 0.1, "max_length": 8, "dropout": 0.0}
    return trial(arm=arm, setting=tuple((setting | options).items()), model="m")


def test_all_of_one_draw_start_from_one_network_and_no_two_draws_do():
    pruned, halved = compressed("pruned_50", sparsity=0.5), compressed("three_layers", layers=1)
    assert kept.parent_of(pruned) == kept.parent_of(halved)
    assert kept.needed(pruned) == [kept.parent_of(pruned)]
    other = trial(arm="pruned_50", setting=pruned.setting, model="m", draw=1)
    assert kept.parent_of(other) != kept.parent_of(pruned)
    assert kept.parent_of(pruned).options == {
        "steps": 9, "learning_rate": 0.1, "max_length": 8, "dropout": 0.0
    }  # fmt: skip


def test_what_is_made_of_a_student_needs_both_networks():
    taught = {"steps": 5, "learning_rate": 0.2, "layers": 1, "hard": 0.5, "temperature": 2.0}
    small = compressed("small", **taught, unlabelled=3, bits=8, trimmed=1)
    student = kept.first_student(small)
    assert kept.needed(small) == [kept.parent_of(small), student]
    assert student.arm == "distilled" and kept.first_student(student) == student
    assert student.options.keys() == small.options.keys() - {"bits", "trimmed"}
    assert kept.parent_of(student) == kept.parent_of(small)
