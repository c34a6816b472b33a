"""A model read from a folder on this machine, with torch and transformers alone.

:mod:`helpers.sources.weights` finds the folder that a name stands for; this module is what is left
where there are no names, on a machine that only runs trials.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import modeling_gguf_pytorch_utils

from helpers import UserError
from helpers.sources.variants import check_layers


def from_folder(
    folder: Path | str,
    auto_class: type,
    *,
    name: str = "",
    gguf: str | None = None,
    pretrained: bool = True,
    seed: int = 0,
    **config: Any,
) -> transformers.PreTrainedModel:
    """Return the model of a folder in evaluation mode, 32-bit floats, on the CPU.

    Args:
        folder: holds ``config.json`` and safetensors, or the GGUF file.
        auto_class: ``transformers.AutoModel…``: which head the model gets.
        name: what the model is called in a message; the folder where it is empty.
        gguf: the file in the folder that holds everything, where it is one.
        pretrained: False gives the same architecture with random weights.
        seed: of every random weight, a new head's or the whole model's.
        config: overrides the configuration, e.g. ``num_labels=8``.

    Raises:
        UserError: a head that this architecture does not have; more layers than it has; an
            encoder-decoder whose encoder cannot be had alone; weights that do not belong to it.
    """
    name = name or str(folder)
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        try:
            settings = transformers.AutoConfig.from_pretrained(
                folder,
                trust_remote_code=False,
                local_files_only=True,
                **gguf_options(gguf),
                **config,
            )
            _check_layers(folder, name, gguf, config)
            if auto_class is transformers.AutoModel:
                auto_class = _encoder_class(settings, name)
            if not pretrained:
                model = auto_class.from_config(settings, dtype=torch.float32)  # type: ignore[attr-defined]
                return model.eval()
            model, report = auto_class.from_pretrained(  # type: ignore[attr-defined]
                folder,
                config=settings,
                dtype=torch.float32,
                **(gguf_options(gguf) or {"use_safetensors": True}),
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except ValueError as error:
            if "Unrecognized configuration class" in str(error):
                raise UserError(f"{name} cannot be used as {auto_class.__name__}.") from error
            raise UserError(
                f"{name} cannot be built with {config or 'its own configuration'}: "
                f"{first_line(error)}."
            ) from error
        except RuntimeError as error:
            if "size mismatch" not in str(error) and "mismatched" not in str(error):
                raise
            raise UserError(
                f"The weights of {name} do not fit its configuration with {config or 'no changes'}"
                f": {first_line(error)}."
            ) from error
    if gguf:  # read into plain 32-bit floats: nothing of the quantization is left
        model.is_quantized, model.hf_quantizer = False, None
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    # Names that do not match leave a model random without an error; a new head is all that may be.
    body = set(dict(model.base_model.named_parameters(prefix=model.base_model_prefix)))
    missing = {key for key in report["missing_keys"] if key in body or model.base_model is model}
    if len(missing) > len(body) / 2:
        raise UserError(
            f"The weights of {name} do not belong to {type(model).__name__}: "
            f"{len(missing)} of {len(body)} parameters are not among them."
        )
    layered = sorted(key for key in missing if re.search(r"\.\d+\.", key))
    if layered:
        raise UserError(
            f"The weights of {name} are not whole: {len(layered)} of {len(body)} parameters are "
            f"not among them, {layered[0]} for one."
        )
    return model.eval()


def _check_layers(folder: Path | str, name: str, gguf: str | None, config: dict[str, Any]) -> None:
    """Refuse more layers than a model has; those above its own would be random."""
    asked = config.get("num_hidden_layers")
    if asked is None:
        return
    own = transformers.AutoConfig.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True, **gguf_options(gguf)
    )
    check_layers(name, asked, getattr(own, "num_hidden_layers", None))


def _encoder_class(settings: transformers.PretrainedConfig, name: str) -> type:
    """Return what reads a model without a head; of T5, which has a decoder too, the encoder alone.

    (What was saved of such an encoder does not say any more that there was a decoder.)
    """
    auto = transformers.models.auto.modeling_auto
    kind = type(settings)
    if kind in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        if kind in auto.MODEL_FOR_TEXT_ENCODING_MAPPING:
            return transformers.AutoModelForTextEncoding
        raise UserError(
            f"{name} has a decoder beside its encoder (model_type '{settings.model_type}') and "
            "cannot be read as an encoder alone; take a T5, or an encoder such as BERT."
        )
    return transformers.AutoModel


def check_positions(model: transformers.PreTrainedModel, max_length: int, name: str | Path) -> None:
    """Refuse rows that are longer than the model has positions; a model like T5 has no such limit.

    Raises:
        UserError: ``max_length`` is more than the positions of the model called ``name``.
    """
    limit = positions(model)
    if limit is not None and max_length > limit:
        raise UserError(
            f"max_length {max_length} is more than the {limit} positions that {name} has."
        )


def positions(model: nn.Module) -> int | None:
    """Return how many tokens a model has positions for; None: any number.

    RoBERTa's kin number their positions from behind that of padding: of 514 there are 512.

    >>> shape = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1}
    >>> config = transformers.RobertaConfig(max_position_embeddings=514, **shape)
    >>> positions(transformers.RobertaModel(config))
    512
    """
    config: Any = model.config
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:  # XLNet says -1
        return None
    for name, module in model.named_modules():
        its = name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
        if its and module.padding_idx is not None:
            return int(module.num_embeddings) - int(module.padding_idx) - 1
    return limit


def check_tokens(model: transformers.PreTrainedModel, largest: int, name: str | Path) -> None:
    """Refuse tokens that the model has no embedding for, ``largest`` the greatest of their numbers.

    Raises:
        UserError: there are; the sentence says how the model gets them.
    """
    embeddings: Any = model.get_input_embeddings()
    known = embeddings.weight.shape[0]
    if largest >= known:
        raise UserError(
            f"The tokenizer of {name} has {largest + 1:,} tokens, the model embeddings of "
            f"{known:,}: call model.resize_token_embeddings(len(tokenizer)), train and save it."
        )


def tokenizer_from(folder: Path | str, *, gguf: str | None = None) -> Any:
    """Return the tokenizer of a folder, or of its GGUF file."""
    with quiet():
        return transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, **gguf_options(gguf)
        )


def gguf_options(gguf: str | None) -> dict[str, Any]:
    """Return what transformers must be told to read a GGUF file (plain tensors, no pickle)."""
    return {"gguf_file": gguf} if gguf else {}


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without its last point."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")[:200]


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back transformers' progress bars and its notes on new heads, and only here."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    bar_of_gguf: Any = modeling_gguf_pytorch_utils.tqdm  # it knows no such switch
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    modeling_gguf_pytorch_utils.tqdm = lambda items, **_: items
    try:
        yield
    finally:
        modeling_gguf_pytorch_utils.tqdm = bar_of_gguf
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
