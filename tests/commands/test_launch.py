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


def launch(folder, processes, *more):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = folder / f"out{processes}"
    words = [
        sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(processes),
        "--master_addr", "127.0.0.1", "--master_port", str(port), "-m", "helpers.commands.launch",
        "--corpus", str(folder / "rows.jsonl"), "--model", str(folder / "bert"), "--labels", "32",
        "--batch-size", "8", "--epochs", "2", "--learning-rate", "1e-3", "--max-length", "16",
        "--dropout", "0", "--device", "cpu", "--out", str(out), *more,
    ]  # fmt: skip
    return out, subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=240)


def test_two_processes_learn_as_one(folder):
    found = {}
    for processes in (1, 2):
        out, done = launch(folder, processes)
        assert done.returncode == 0, done.stderr
        found[processes] = json.loads((out / "losses.json").read_text())
        assert done.stdout.count("classifier in") == 1  # the first process alone writes
    assert len(found[1]) == 8 and len(set(found[1])) == 8
    np.testing.assert_allclose(found[2], found[1], atol=2e-4)
    one, two = (tuning.load(folder / f"out{n}" / "model").state_dict() for n in (1, 2))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=2e-3, rtol=0)


def test_unequal_parts_are_refused(folder):
    _, done = launch(folder, 2, "--batch-size", "9", "--out", str(folder / "nothing"))
    said = "--labels 32 must be a multiple of --batch-size 9, and that of the 2 processes"
    assert said in done.stderr
    assert done.returncode != 0 and not (folder / "nothing").exists()
