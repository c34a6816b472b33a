"""Small parts put into a frozen model: LoRA and (IA)³ by ``peft``, and bottleneck adapters.

Few numbers learn, the rest is frozen. At the start each of them leaves what the model says as it
was.
"""

import warnings
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import peft
import torch
from peft.utils import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as IA3_KNOWN
from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as LORA_KNOWN
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from helpers import UserError


def add_lora(
    model: PreTrainedModel,
    rank: int,
    *,
    alpha: int | None = None,
    seed: int = 0,
    task_type: str | None = "CAUSAL_LM",
) -> Any:
    r"""Return the model with a low-rank change beside each of its attention's input matrices.

    A frozen matrix $W$ becomes $W + \frac{\alpha}{r} BA$ with $B$ (d_out, r) zero and $A$
    (r, d_in) random: at first nothing is changed, and only $A$ and $B$ learn. Source: Hu et al.
    2022, *LoRA* (ICLR).

    Args:
        model: changed in place; the matrices are those that ``peft`` names for its architecture,
            or, where it names none, those of :data:`_INPUTS`.
        rank: r, at least 1.
        alpha: scale of the change; twice the rank where it is None.
        seed: of A; torch's own random state stays.
        task_type: peft's name of what the model is for; None for a bare encoder.

    Raises:
        UserError: a rank below 1, or an attention whose matrices are not found.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=9))
    >>> sum(p.numel() for p in add_lora(model, rank=2).parameters() if p.requires_grad)
    64
    """
    if rank < 1:
        raise UserError(f"The rank of LoRA must be at least 1, not {rank}.")
    settings = peft.LoraConfig(
        r=rank,
        lora_alpha=alpha or 2 * rank,
        target_modules=_unless_known(LORA_KNOWN, model, _INPUTS),
        fan_in_fan_out=_transposed(model),
        task_type=task_type,
    )
    return _inside(model, settings, "LoRA", seed)


def add_ia3(model: PreTrainedModel, *, seed: int = 0) -> Any:
    """Return the model with a learned factor on keys, values and feed-forward activations.

    Where exactly is peft's choice: in GPT-2 also on the queries, which share the keys' matrix, in
    BERT also on what attention's output matrix takes. All factors are 1 at first. Source: Liu et
    al. 2022, *Few-shot parameter-efficient fine-tuning is better and cheaper than in-context
    learning* (NeurIPS, arXiv 2205.05638), section 3.3.

    Raises:
        UserError: an architecture that peft does not know.
    """
    found = _unless_known(IA3_KNOWN, model, _FACTORS)
    settings = peft.IA3Config(
        target_modules=found,
        feedforward_modules=found and found[-1:],
        fan_in_fan_out=_transposed(model),
    )
    return _inside(model, settings, "(IA)³", seed)


_INPUTS = (
    ("query", "value"), ("q_lin", "v_lin"), ("q_proj", "v_proj"), ("query_proj", "value_proj"),
    ("attn.q", "attn.v"), ("SelfAttention.q", "SelfAttention.v"), ("q_head", "v_head"),
    ("attn.Wqkv",), ("qkv_proj",), ("query_key_value",), ("c_attn",), ("in_proj",),
)  # fmt: skip
"""Names of the matrices of queries and values (or of all three in one), as architectures have them:
BERT's kin, ALBERT and BigBird; DistilBERT and XLM; Llama's kin; MPNet; T5's; Funnel; ModernBERT."""

_FACTORS = (
    ("key", "value", "ffn_output"), ("key", "value", "output.dense"),
    ("k_lin", "v_lin", "ffn.lin2"), ("attn.k", "attn.v", "output.dense"),
    ("attn.Wqkv", "mlp.Wo"), ("k_proj", "v_proj", "down_proj"), ("k_proj", "v_proj", "fc2"),
)  # fmt: skip
"""Names of keys, values and, last, of what the feed-forward activations go into."""


def _unless_known(
    known: Collection[str], model: PreTrainedModel, groups: Iterable[tuple[str, ...]]
) -> list[str] | None:
    """Return the first group of names that are all matrices of the model; None: peft knows them."""
    if model.config.model_type in known:
        return None
    matrices = [
        name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)
    ]
    for group in groups:
        if all(any(f".{name}".endswith(f".{part}") for name in matrices) for part in group):
            return list(group)
    return None


def _transposed(model: PreTrainedModel) -> bool:
    """Tell whether a model's matrices are stored transposed, as GPT-2's are."""
    return any(isinstance(module, Conv1D) for module in model.modules())


def _inside(model: PreTrainedModel, settings: peft.PeftConfig, name: str, seed: int) -> Any:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.random.default_generator.manual_seed(seed)
        try:
            return peft.get_peft_model(model, settings)
        except ValueError as error:
            raise UserError(
                f"{name} does not know the attention of {type(model).__name__} "
                f"(model_type '{model.config.model_type}'); fine-tune it without."
            ) from error


class Bottleneck(nn.Module):
    """Adds to a layer's output what a narrow two-layer network makes of it.

    Source: Houlsby et al. 2019 (ICML, arXiv 1902.00751); one after each layer's feed-forward part,
    as Pfeiffer et al. 2021 (arXiv 2005.00247) found enough.
    """

    def __init__(self, width: int, narrow: int) -> None:
        """Make the two matrices (narrow, width) and (width, narrow); the second is zero."""
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.normal_(self.down.weight, std=0.02)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return hidden states (b, t, d) with the change added."""
        return hidden + self.up(nn.functional.gelu(self.down(hidden)))

    def after(self, layer: nn.Module, inputs: Any, output: Any) -> Any:
        """Change what a layer returned: the hidden states, or a tuple that begins with them."""
        if isinstance(output, tuple):
            return (self(output[0]), *output[1:])
        return self(output)


def add_bottlenecks(model: nn.Module, narrow: int, *, seed: int = 0) -> nn.Module:
    """Put an adapter of ``narrow`` units after each layer of ``model.backbone``, in place.

    They are the model's ``adapters``; the backbone's own parameters and names stay.

    Raises:
        UserError: a width below 1, or a backbone whose layers are not found.
    """
    if narrow < 1:
        raise UserError(f"A bottleneck needs a width of at least 1, not {narrow}.")
    backbone: Any = model.backbone
    layers = blocks(backbone)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        made = [Bottleneck(backbone.config.hidden_size, narrow) for _ in layers]
    model.adapters = nn.ModuleList(made)
    for layer, adapter in zip(layers, made, strict=True):
        layer.register_forward_hook(adapter.after)  # a method, so that a copy calls its own
    return model


def save_bottlenecks(model: nn.Module, folder: Path | str) -> None:
    """Write the model's adapters as ``adapters.safetensors``."""
    made: Any = model.adapters
    save_file(made.state_dict(), Path(folder) / "adapters.safetensors")


def load_bottlenecks(model: nn.Module, folder: Path | str) -> nn.Module:
    """Put the adapters of a folder into the model, in place; without such a file nothing is done.

    Raises:
        UserError: they are of another width or number than the model's layers.
    """
    path = Path(folder) / "adapters.safetensors"
    if not path.is_file():
        return model
    tensors = load_file(path)
    narrow = len(tensors["0.down.bias"])
    made: Any = add_bottlenecks(model, narrow).adapters
    try:
        made.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(f"The adapters in {path} do not fit the model beside them.") from error
    return model


def blocks(backbone: nn.Module) -> list[nn.Module]:
    """Return the layers of a transformer in their order.

    Raises:
        UserError: not exactly one list of layers is found (an encoder-decoder has two).
    """
    config: Any = backbone.config
    lists = [module for module in backbone.modules() if isinstance(module, nn.ModuleList)]
    fitting = [layers for layers in lists if len(layers) == config.num_hidden_layers]
    if len(fitting) != 1:
        raise UserError(
            f"{type(backbone).__name__} has no single list of {config.num_hidden_layers} layers; "
            "adapters cannot be put after them."
        )
    return list(fitting[0])
