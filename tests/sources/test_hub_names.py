"""Real model names without a network: small random weights, laid out as on the hub.

Names of tensors, of files and of special tokens are those of the original repositories.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from string import ascii_lowercase

import pytest
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import decoders, normalizers, pre_tokenizers, processors, trainers

from helpers import ROOT
from helpers.sources import hub
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_model, load_tokenizer, resolve
from helpers.tasks.tagged_text import parse_article
from helpers.tasks.tags import DEFAULT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GPT2, OWNED_GPT2 = "gpt2", "openai-community/gpt2"
UNCASED, CHINESE = "google-bert/bert-base-uncased", "google-bert/bert-base-chinese"
LAYERS, WIDTH, POSITIONS = 2, 32, 512
END = "<|endoftext|>"
MASK = ".attn.bias"  # of GPT-2: which earlier tokens are seen; nothing learned
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FIRST = ["[PAD]", *(f"[unused{i}]" for i in range(1, 100)), *SPECIAL[1:]]


def gpt2_shapes(vocabulary):
    def linear(name, n, m):  # a Conv1D: the weight is (in, out)
        return {f"{name}.weight": (n, m), f"{name}.bias": (m,)}

    def norm(name):
        return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}

    shapes = {"wte.weight": (vocabulary, WIDTH), "wpe.weight": (POSITIONS, WIDTH)} | norm("ln_f")
    for i in range(LAYERS):
        shapes |= {f"h.{i}.attn.bias": (1, 1, POSITIONS, POSITIONS)}
        shapes |= norm(f"h.{i}.ln_1") | norm(f"h.{i}.ln_2")
        shapes |= linear(f"h.{i}.attn.c_attn", WIDTH, 3 * WIDTH)
        shapes |= linear(f"h.{i}.attn.c_proj", WIDTH, WIDTH)
        shapes |= linear(f"h.{i}.mlp.c_fc", WIDTH, 4 * WIDTH)
        shapes |= linear(f"h.{i}.mlp.c_proj", 4 * WIDTH, WIDTH)
    return shapes


def bert_shapes(vocabulary):
    def linear(name, n, m):
        return {f"{name}.weight": (m, n), f"{name}.bias": (m,)}

    def norm(name):
        return {f"{name}.LayerNorm.gamma": (WIDTH,), f"{name}.LayerNorm.beta": (WIDTH,)}

    rows = {"word": vocabulary, "position": POSITIONS, "token_type": 2}
    shapes = {f"bert.embeddings.{name}_embeddings.weight": (n, WIDTH) for name, n in rows.items()}
    shapes |= norm("bert.embeddings")
    for i in range(LAYERS):
        layer = f"bert.encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes |= linear(f"{layer}.attention.self.{name}", WIDTH, WIDTH)
        shapes |= linear(f"{layer}.attention.output.dense", WIDTH, WIDTH)
        shapes |= linear(f"{layer}.intermediate.dense", WIDTH, 4 * WIDTH)
        shapes |= linear(f"{layer}.output.dense", 4 * WIDTH, WIDTH)
        shapes |= norm(f"{layer}.attention.output") | norm(f"{layer}.output")
    shapes |= linear("bert.pooler.dense", WIDTH, WIDTH)
    shapes |= {"cls.predictions.bias": (vocabulary,)}
    shapes |= linear("cls.predictions.transform.dense", WIDTH, WIDTH)
    shapes |= norm("cls.predictions.transform") | linear("cls.seq_relationship", WIDTH, 2)
    return shapes


def random_tensors(shapes):
    """Return tensors of these shapes; what scales a norm is near 1, a causal mask is one."""
    torch.manual_seed(0)
    tensors = {name: 0.05 * torch.randn(shape) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        if name.endswith(("gamma", "ln_1.weight", "ln_2.weight", "ln_f.weight")):
            tensor += 1
        elif name.endswith(MASK):
            tensors[name] = torch.ones(tensor.shape).tril()
    return tensors


def gpt2_files(texts, folder):
    """Write the files of GPT-2; its tokenizer has one special token, the last, and no padding."""
    core = tokenizers.Tokenizer(tokenizers.models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learned = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    core.train_from_iterator(texts, learned)
    core.add_special_tokens([END])
    end = core.token_to_id(END)
    core.save(str(folder / "tokenizer.json"))
    model = json.loads(core.to_str())["model"]
    pairs = [" ".join(pair) for pair in model["merges"]]
    write(folder / "vocab.json", model["vocab"] | {END: end})
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs, ""]), encoding="utf-8")
    write(folder / "tokenizer_config.json", {"model_max_length": POSITIONS})
    ends = {"bos_token_id": end, "eos_token_id": end}
    write(folder / "generation_config.json", {"_from_model_config": True} | ends)
    sizes = {"n_ctx": POSITIONS, "n_positions": POSITIONS, "n_embd": WIDTH, "n_head": 2}
    kind = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": LAYERS}
    write(folder / "config.json", kind | sizes | ends | {"vocab_size": end + 1})
    return random_tensors(gpt2_shapes(end + 1))


def bert_files(words, folder, *, lowercase):
    """Write the files of BERT, its special tokens where they always are: 0, and 100 to 103."""
    core = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    core.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 101), ("[SEP]", 102)],
    )
    core.add_special_tokens(SPECIAL)
    core.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("\n".join([*words, ""]), encoding="utf-8")
    read_by = {"do_lower_case": lowercase, "model_max_length": POSITIONS}
    write(folder / "tokenizer_config.json", read_by)
    sizes = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_attention_heads": 2}
    sizes |= {"num_hidden_layers": LAYERS, "max_position_embeddings": POSITIONS}
    kind = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "pad_token_id": 0}
    write(folder / "config.json", kind | sizes | {"type_vocab_size": 2, "vocab_size": len(words)})
    return random_tensors(bert_shapes(len(words)))


def write(file, content):
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")


def pieces(texts):
    """Learn words and parts of words from English texts."""
    core = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(vocab_size=800, special_tokens=FIRST, show_progress=False),
    )
    return sorted(core.get_vocab(), key=core.token_to_id)


def characters(texts):
    """List small letters and the characters of texts, each also as a later part of a word."""
    found = sorted({c for text in texts for c in text if not c.isspace()} | {*ascii_lowercase})
    return [*FIRST, *found, *(f"##{c}" for c in found)]


def keep(name, folder, cache):
    """Put a folder into the hub's cache as huggingface_hub does: blobs, and links to them."""
    place = cache / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / COMMIT
    for part in (snapshot, place / "refs", place / "blobs"):
        part.mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    for file in folder.iterdir():
        blob = place / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("huggingface")


@pytest.fixture(scope="module")
def articles():
    """A third of the tagged articles: as many as notebook 10 needs."""
    corpus = load_texts("peoples-daily", text_column="tagged", label_column=None)
    return corpus.splits["train"][:1000]["text"]


@pytest.fixture(scope="module")
def written(home, articles, tmp_path_factory):
    """Fill the hub's cache; return the tensors of each model by name."""
    english = load_texts("reuters-r8").splits["train"][:300]["text"]
    tagged = articles[:100]
    chinese = [one.text for each in tagged for one in parse_article(each, DEFAULT, "here")]
    made = {}
    for names, files, learned in (
        ((GPT2, OWNED_GPT2), gpt2_files, english),
        ((UNCASED,), lambda w, f: bert_files(w, f, lowercase=True), pieces(english)),
        ((CHINESE,), lambda w, f: bert_files(w, f, lowercase=False), characters(chinese)),
    ):
        folder = tmp_path_factory.mktemp("files")
        tensors = files(learned, folder)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        for name in names:
            keep(name, folder, home / "hub")
            made[name] = tensors
    return made


@pytest.fixture
def cached(written, home, monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    return written


def differing(tensors, model):
    """Name what a model holds otherwise than it was written, or does not hold at all."""
    there = model.state_dict()
    return [
        name
        for name, tensor in tensors.items()
        if name not in there or not torch.equal(there[name], tensor)
    ]


def the_same(one, other):
    return all(map(torch.equal, one.parameters(), other.parameters()))


@pytest.mark.parametrize("name", [GPT2, OWNED_GPT2])
def test_gpt2_is_read_by_its_hub_id_with_nothing_random(cached, name):
    assert resolve(name).kind == "hub"
    body = {key: each for key, each in cached[name].items() if not key.endswith(MASK)}
    one, other = (load_model(name, transformers.AutoModelForCausalLM, seed=s) for s in (0, 1))
    assert type(one).__name__ == "GPT2LMHeadModel" and the_same(one, other)
    assert differing(body, one.transformer) == []
    assert len(list(one.parameters())) == len(body)
    assert torch.equal(one.lm_head.weight, body["wte.weight"])


def test_gpt2_reads_any_text_and_has_no_padding(cached):
    tokenizer = load_tokenizer(GPT2)
    assert tokenizer.decode(tokenizer("Oil 油 rose.")["input_ids"]) == "Oil 油 rose."
    assert tokenizer.tokenize("a the") == ["a", "Ġthe"]
    assert tokenizer.pad_token is None and tokenizer.model_max_length == POSITIONS
    assert tokenizer.eos_token == tokenizer.bos_token == END
    assert tokenizer.eos_token_id == len(tokenizer) - 1


@pytest.mark.parametrize("name", [UNCASED, CHINESE])
def test_berts_gamma_and_beta_become_weight_and_bias(cached, name):
    assert resolve(name).kind == "hub"
    own = {
        key.replace(".gamma", ".weight").replace(".beta", ".bias"): each
        for key, each in cached[name].items()
    }
    body = {key.removeprefix("bert."): each for key, each in own.items() if key[:5] == "bert."}
    one, other = (load_model(name, transformers.AutoModel, seed=s) for s in (0, 1))
    assert type(one).__name__ == "BertModel" and the_same(one, other)
    assert differing(body, one) == [] and len(list(one.parameters())) == len(body)
    whole = load_model(name, transformers.AutoModelForPreTraining)
    assert differing(own, whole) == [] and len(list(whole.parameters())) == len(own)


def test_bert_uncased_reads_words_and_their_parts_in_lower_case(cached):
    tokenizer = load_tokenizer(UNCASED)
    assert tokenizer.tokenize("The OIL prices") == ["the", "oil", "prices"]
    assert any(piece.startswith("##") for piece in tokenizer.tokenize("unhappily"))
    ids = tokenizer("oil")["input_ids"]
    assert (ids[0], ids[-1], tokenizer.pad_token_id, tokenizer.mask_token_id) == (101, 102, 0, 103)
    assert tokenizer.is_fast and tokenizer.model_max_length == POSITIONS


def test_bert_chinese_reads_characters(cached):
    tokenizer = load_tokenizer(CHINESE)
    assert tokenizer.tokenize("中国人民，") == ["中", "国", "人", "民", "，"]
    assert tokenizer.tokenize("gdp") == ["g", "##d", "##p"]
    ids = tokenizer("中国")["input_ids"]
    assert (len(ids), ids[0], ids[-1], tokenizer.pad_token_id) == (4, 101, 102, 0)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Copy the project's code, so that trials go into the copy's build folder.

    Its settings have few steps: what a name gives is read, trained and scored all the same.
    """
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "helpers", root / "helpers")
    for name in ("notebooks", "requirements.txt"):
        (root / name).symlink_to(ROOT / name)
    (root / "data").mkdir()
    for path in (ROOT / "data").iterdir():
        (root / "data" / path.name).symlink_to(path)
    settings = root / "data" / "settings.yaml"
    few = re.sub(r"\bsteps: \d+", "steps: 10", settings.read_text(encoding="utf-8"))
    settings.unlink()
    settings.write_text(few, encoding="utf-8")
    return root


def run(project, home, out, number, model, **values):
    """Run a notebook by the front door and return its record."""
    words = [
        word
        for name, value in (values | {"model": model, "device": "cpu"}).items()
        for word in ("-p", name, str(value))
    ]
    told = {"HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "run", number, *words, "--out", str(out), "--json"],
        cwd=project, env=os.environ | told | {"PYTHONPATH": str(project)},
        capture_output=True, text=True, timeout=480,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((out / json.loads(done.stdout)["record"]).read_text(encoding="utf-8"))


def check(record, model):
    assert record["parameters"]["model"] == model
    assert record["provenance"]["hashes"][model] == resolve(model).fingerprint
    assert {one["model"] for one in record["metrics"]} - {None} == {model}


@pytest.mark.slow
def test_notebook_05_runs_with_gpt2(cached, home, project, tmp_path):
    record = run(
        project, home, tmp_path, "05", GPT2,
        documents=2, draws=2, max_length=64, steps=4, minutes=30,
    )  # fmt: skip
    check(record, GPT2)
    assert len(record["trials"]) == 7 * 2  # arms, draws: none has failed


@pytest.mark.slow
def test_notebook_06_runs_with_bert_base_uncased(cached, home, project, tmp_path):
    record = run(
        project, home, tmp_path, "06", UNCASED,
        labels=[8], tuned_labels=[8], draws=2, max_length=16, example_labels=16, steps=8,
        minutes=30, opinions="",
    )  # fmt: skip
    check(record, UNCASED)
    assert len(record["trials"]) == 7 * 2  # arms, draws: none has failed


@pytest.mark.slow
def test_notebook_10_runs_with_bert_base_chinese(cached, home, project, articles, tmp_path):
    corpus = tmp_path / "tagged.jsonl"
    lines = [json.dumps({"tagged": text}, ensure_ascii=False) for text in articles]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    record = run(
        project, home, tmp_path, "10", CHINESE, corpus=corpus,
        labels=[8], more_labels=[16], draws=2, max_length=32, example_labels=40, steps=8, domain="",
        minutes=30,
    )  # fmt: skip
    check(record, CHINESE)
    assert len(record["trials"]) == 6 * 2 + 2 * 2  # arms, draws: none has failed
