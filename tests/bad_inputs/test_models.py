"""Names, folders and variants of models: each mistake has its one sentence."""

import json

import pytest
from transformers import AutoModel

from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.variants import variant
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.classification import TextClassification
from helpers.transfer.finetuning import choose_device
from helpers.transfer.strategies import get

CONFIG = json.dumps(
    {
        "model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 10,
        "num_attention_heads": 1, "intermediate_size": 8,
    }
)  # fmt: skip
REMOTE = json.dumps({"model_type": "zebra", "auto_map": {"AutoModel": "code.Zebra"}})
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1234\n"

FOLDERS = [
    ({}, "The model folder {path} has no config.json."),
    ({"model.safetensors": b""}, "The model folder {path} has no config.json."),
    ({"config.json": b"{", "model.safetensors": b""}, "The config.json of {path} is not a model's: no model_type."),
    ({"config.json": CONFIG, "model.safetensors": b"\x10\0\0\0\0\0\0\0{}"}, "model.safetensors of {path} is cut short or damaged: Error while deserializing header: invalid header length."),
    ({"config.json": CONFIG, "pytorch_model.bin": b"\x80\x02."}, "{path} has its weights only as a pickle (pytorch_model.bin), which could run any code: convert them to model.safetensors."),
    ({"adapter_config.json": '{"base_model_name_or_path": "bert-base-uncased"}', "adapter_model.safetensors": b""}, "{path} holds an adapter of bert-base-uncased, not a whole model: merge it first (peft: merge_and_unload, then save_pretrained)."),
    ({"adapter_config.json": "{", "adapter_model.safetensors": b""}, "{path} holds an adapter, not a whole model: merge it first (peft: merge_and_unload, then save_pretrained)."),
    ({"checkpoint-500/config.json": CONFIG, "checkpoint-1500/config.json": CONFIG, "checkpoint-x/config.json": CONFIG}, "The model folder {path} has no config.json; its last checkpoint is {path}/checkpoint-1500: name it."),
    ({"config.json": CONFIG, "model.safetensors": POINTER}, "model.safetensors of {path} is a git-lfs pointer, not the file: run `git lfs pull` in that folder."),
    ({"config.json": POINTER, "model.safetensors": POINTER}, "config.json of {path} is a git-lfs pointer, not the file: run `git lfs pull` in that folder."),
    ({"config.json": REMOTE, "code.py": "raise SystemExit", "model.safetensors": b""}, "The config.json of {path} names an unknown model_type 'zebra'."),
]  # fmt: skip


@pytest.mark.parametrize("load", [lambda name: load_model(name, AutoModel), load_tokenizer])
@pytest.mark.parametrize(("files", "says"), FOLDERS)
def test_a_bad_model_folder_is_one_sentence(tmp_path, files, says, load):
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError) as error:
        load(str(tmp_path))
    assert str(error.value) == says.replace("{path}", str(tmp_path))


KNOWN = "Known: bert-zh-mini, e5, gpt2-mini, minilm, smollm2."

NAMES = [
    ("a/b/c", f"There is no folder a/b/c, and it is no hub id. {KNOWN}"),
    ("../x", f"There is no folder ../x, and it is no hub id. {KNOWN}"),
    (
        "min\x07lm ",
        "There is no folder min<U+0007>lm , and it is no hub id. Did you mean 'minilm'?",
    ),
    (
        "https://huggingface.co/bert-base/x",
        "There is no folder https://huggingface.co/bert-base/x, and it is no hub id. An address is not read: write the hub id, bert-base/x.",
    ),
    (" ", "No model is named: give a catalogue name, a folder or a hub id."),
]


@pytest.mark.parametrize(("name", "says"), NAMES)
def test_a_name_that_stands_for_no_model_is_one_sentence(name, says):
    with pytest.raises(UserError) as error:
        load_tokenizer(name)
    assert str(error.value) == says


OTHERS = [
    (lambda: variant("minilm:0"), "'minilm:0' names no variant of a model; write minilm, minilm:2 for its first 2 layers, or minilm:random."),
    (lambda: variant(":2"), "':2' names no variant of a model; write name, name:2 for its first 2 layers, or name:random."),
    (lambda: variant("minilm:7"), "minilm has 6 layers, so there is no minilm:7; write minilm:1 to minilm:6."),
    (lambda: load_model("minilm", AutoModel, num_hidden_layers=12), "minilm has 6 layers, so there is no minilm:12; write minilm:1 to minilm:6."),
    (lambda: get("ful"), "There is no strategy 'ful'. Did you mean 'full'?"),
    (lambda: get("lora:0"), "'lora:0': what stands after the colon is the rank, a whole number from 1 to 1024, not '0'."),
    (lambda: get("full:3"), "Strategy 'full' takes no number; write 'full', not 'full:3'."),
    (lambda: choose_device("tpu"), "Device 'tpu' is not on this machine; usable here: auto, cpu."),
    (lambda: choose_device("gpu"), "Device 'gpu' is not on this machine; usable here: auto, cpu."),
    (lambda: TextClassification(load_texts("reuters-r8"), 2), "max_length must be at least 3 (two special tokens and one of text), not 2."),
    (lambda: TextClassification(load_texts("reuters-r8"), 600).build_model("minilm", pretrained=True, seed=0), "max_length 600 is more than the 512 positions that minilm has."),
    (lambda: TextClassification(load_texts("peoples-daily", label_column=None)), "peoples-daily has no labels; text classification needs a label column."),
    (lambda: TextClassification(load_texts("reuters-r8")).items("train", 10**6, 0), "1000000 labelled items were asked for, but the split has 4927: ask for 1 to 4927."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "says"), OTHERS)
def test_what_a_model_cannot_do_is_one_sentence(call, says, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == says
