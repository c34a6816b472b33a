"""Strategies of fine-tuning: which parameters learn, and from which start. Nothing else.

A strategy knows no data, no learning rate and no loop; :mod:`helpers.transfer.finetuning` has
those. What a strategy declares is tested: exactly the parameters it names change.
"""

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
                f"Strategy '{self.name}' finds nothing to train in {type(model).__name__}: "
                "no parameter name begins with 'head.'."
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

STRATEGIES = {one.name: one for one in (FROM_SCRATCH, LINEAR_PROBE, FULL)}


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
