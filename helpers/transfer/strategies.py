"""Strategies of fine-tuning: which parameters learn, and from which start. Nothing else.

A strategy knows no data, no learning rate and no loop; :mod:`helpers.transfer.finetuning` has
those. What a strategy declares is tested: exactly the parameters it names change.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from helpers import UserError, nearest


@dataclass(frozen=True)
class Strategy:
    """A way to use a pretrained model on a target task.

    Attributes:
        name: the field's term for it.
        pretrained: start from the pretrained weights, or from random ones.
        learns: tells of a parameter's name whether it may change.
        summary: one sentence for tables and figures.
    """

    name: str
    pretrained: bool
    learns: Callable[[str], bool]
    summary: str

    def apply(self, model: nn.Module) -> list[str]:
        """Freeze what does not learn; return the names of the parameters that do.

        Raises:
            UserError: no parameter of the model would learn.

        >>> model = nn.ModuleDict({"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 3)})
        >>> LINEAR_PROBE.apply(model)
        ['head.weight', 'head.bias']
        """
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(self.learns(name))
        names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        if not names:
            raise UserError(
                f"Strategy '{self.name}' finds nothing to train in {type(model).__name__}"
                + (": no parameter name begins with 'head.'." * (self.name == "linear_probe"))
                + ("; put adapters in first (add_lora)." * (self.name == "lora"))
            )
        return names


FROM_SCRATCH = Strategy(
    "from_scratch", False, lambda name: True, "same architecture, random weights, everything learns"
)
LINEAR_PROBE = Strategy(
    "linear_probe",
    True,
    lambda name: name.startswith("head."),
    "frozen features, only the head learns",
)
FULL = Strategy("full", True, lambda name: True, "pretrained weights, everything learns")

LORA = Strategy(
    "lora", True, lambda name: "lora_" in name, "pretrained weights frozen, low-rank changes learn"
)

STRATEGIES = {one.name: one for one in (FROM_SCRATCH, LINEAR_PROBE, FULL)}


def top(model: nn.Module, layers: int = 1, within: Strategy = FULL) -> Strategy:
    """Return the strategy that trains the last ``layers`` layers and the norm after them.

    The document's "preliminary fine-tuning" (预微调): the top first, while everything below stays.
    Of the top, only what ``within`` lets learn does.

    Raises:
        UserError: fewer than one layer, or more than the model has.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=8, n_head=2, vocab_size=9))
    >>> [name for name in top(model).apply(model) if "attn" in name or ".ln_f" in name][:2]
    ['transformer.h.1.attn.c_attn.weight', 'transformer.h.1.attn.c_attn.bias']
    """
    found = [re.search(r"\.(\d+)\.", name) for name, _ in model.named_parameters()]
    count = max((int(one[1]) + 1 for one in found if one), default=0)
    if not 1 <= layers <= count:
        raise UserError(
            f"{type(model).__name__} has {count} layers; the top {layers} of them cannot learn."
        )

    def learns(name: str) -> bool:
        if not within.learns(name):
            return False
        place = re.search(r"\.(\d+)\.", name)
        if place:
            return int(place[1]) >= count - layers
        return re.search(r"(^|\.)(ln_f|norm|head)\.", name) is not None

    return Strategy("top", True, learns, f"only the last {layers} of {count} layers learn")


def get(name: str) -> Strategy:
    """Return the strategy called ``name``.

    Raises:
        UserError: there is none of that name; the nearest one is suggested.

    >>> get("full").summary
    'pretrained weights, everything learns'
    """
    if name not in STRATEGIES:
        raise UserError(f"There is no strategy '{name}'.{nearest(name, STRATEGIES)}")
    return STRATEGIES[name]
