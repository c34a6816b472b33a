"""A model read from a folder on this machine, with torch and transformers alone.

:mod:`helpers.sources.weights` finds the folder that a name stands for; this module is what is left
where there are no names, on a machine that only runs trials.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import modeling_gguf_pytorch_utils

from helpers import UserError


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
        UserError: a head that this architecture does not have; weights that do not belong to it.
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
    return model.eval()


def check_positions(model: transformers.PreTrainedModel, max_length: int, name: str | Path) -> None:
    """Refuse rows that are longer than the model has positions; a model like T5 has no such limit.

    Raises:
        UserError: ``max_length`` is more than the positions of the model called ``name``.
    """
    limit = getattr(model.config, "max_position_embeddings", None)
    if limit is not None and max_length > limit:
        raise UserError(
            f"max_length {max_length} is more than the {limit} positions that {name} has."
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
