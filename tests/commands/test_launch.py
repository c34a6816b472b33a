"""A fine-tuning over two processes has the losses of one, and the same classifier."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from helpers import ROOT
from helpers.commands.launch import main
from helpers.tasks.bytepairs import train_bytepairs
from helpers.transfer import tuning

WORDS = ("wheat corn harvest field", "bank loan interest rate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model and a labelled file."""
    folder = tmp_path_factory.mktemp("launch")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=40, pad_token_id=1,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    train_bytepairs([" ".join(WORDS)] * 3, vocabulary=300, positions=40).save_pretrained(
        folder / "bert"
    )
    rng = np.random.default_rng(0)
    rows = [
        {"text": " ".join(rng.choice(WORDS[i % 2].split(), 6)) + f" {i}", "label": str(i % 2)}
        for i in range(120)
    ]
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def words(folder, out, *more):
    return [
        "--corpus", str(folder / "rows.jsonl"), "--model", str(folder / "bert"), "--labels", "32",
        "--batch-size", "8", "--epochs", "2", "--learning-rate", "1e-3", "--max-length", "16",
        "--dropout", "0", "--device", "cpu", "--out", str(out), *more,
    ]  # fmt: skip


def in_two_processes(folder, out):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [
        sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
        "--master_addr", "127.0.0.1", "--master_port", str(port), "-m", "helpers.commands.launch",
    ]  # fmt: skip
    return subprocess.run(
        [*launcher, *words(folder, out)], cwd=ROOT, capture_output=True, text=True, timeout=240
    )


@pytest.mark.slow
def test_two_processes_learn_as_one(folder, capsys):
    one, two = folder / "one", folder / "two"
    assert main(words(folder, one)) == 0
    done = in_two_processes(folder, two)
    assert done.returncode == 0, done.stderr
    for said in (capsys.readouterr().out, done.stdout):
        assert said.count("classifier in") == 1  # the first process alone writes
    alone, shared = (json.loads((out / "losses.json").read_text()) for out in (one, two))
    assert len(alone) == 8 and len(set(alone)) == 8
    np.testing.assert_allclose(shared, alone, atol=2e-4)
    theirs = tuning.load(two / "model").state_dict()
    for name, tensor in tuning.load(one / "model").state_dict().items():
        torch.testing.assert_close(theirs[name], tensor, atol=2e-3, rtol=0)


def test_unequal_parts_are_refused(folder, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")  # as the launcher tells each of two processes
    out = folder / "nothing"
    assert main(words(folder, out, "--batch-size", "9")) == 2
    said = "--labels 32 must be a multiple of --batch-size 9, and that of the 2 processes"
    assert said in capsys.readouterr().err and not out.exists()
