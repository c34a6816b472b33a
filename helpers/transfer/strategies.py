"""Strategies of fine-tuning: which parameters learn, in which order, with which objective.

A strategy says that and nothing else: it knows no data, no learning rate and no loop;
:mod:`helpers.transfer.tuning` carries it out at a given cost. What a strategy declares is tested:
exactly the parameters it names change.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from helpers import UserError, nearest
from helpers.transfer import objectives
from helpers.transfer.objectives import Objective

Course = Sequence[tuple[float, "Strategy"]]
"""Stages, each with its share of the cost; a share of 0 is fitted on features computed once."""


@dataclass(frozen=True)
class Strategy:
    """A way to use a pretrained model on a target task.

    Attributes:
        name: the field's term for it.
        pretrained: start from the pretrained weights, or from random ones.
        learns: tells of a parameter's name whether it may change, at any stage.
        summary: one sentence for tables and figures.
        objective: what is minimized.
        put_in: puts small parts or noise into a model, in place: (model, amount, seed); at first
            the model says what it said before. None: nothing is put in.
        amount: the strategy's own number, if it has one; :func:`get` reads it after a colon.
        decay: step size of a layer as a share of the layer above it.
        tunes: which number its small search is over: "learning_rate", "weight" (λ) or
            "regularization" (of the probe).
        course: the stages for a model, where there is more than one.
    """

    name: str
    pretrained: bool
    learns: Callable[[str], bool]
    summary: str
    objective: Objective = objectives.TASK
    put_in: Callable[[Any, float, int], None] | None = None
    amount: float | None = None
    decay: float = 1.0
    tunes: str = "learning_rate"
    course: Callable[[nn.Module, "Strategy"], Course] | None = None

    def stages(self, model: nn.Module) -> Course:
        """Return the stages for this model; one, the strategy itself, where it has no course."""
        return [(1.0, self)] if self.course is None else self.course(model, self)

    def rate_share(self, place: int, layers: int) -> float:
        """Return the learning rate at a :func:`depth` as a share of that of the head, in (0, 1].

        Layer-wise decay: Howard & Ruder 2018 (ULMFiT, arXiv 1801.06146), section 3.2.

        >>> [get("discriminative_rates:0.5").rate_share(place, 2) for place in (3, 2, 0)]
        [1.0, 0.5, 0.125]
        """
        share: float = self.decay ** (layers + 1 - place)
        return share

    def prepare(self, model: nn.Module, seed: int) -> None:
        """Put into ``model`` what the strategy puts in, in place; its logits stay.

        Raises:
            UserError: an architecture that it does not know.
        """
        if self.put_in is not None:
            self.put_in(model, self.amount or 0.0, seed)

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
            hint = {
                "linear_probe": ": no parameter name begins with 'head.'.",
                "lora": "; put adapters in first (add_lora).",
            }
            raise UserError(
                f"Strategy '{self.name}' finds nothing to train in {type(model).__name__}"
                + hint.get(self.name.partition(":")[0], ".")
            )
        return names


def layers_of(model: nn.Module) -> int:
    """Return how many layers a model has, read off its parameters' names."""
    found = [re.search(r"\.(\d+)\.", name) for name, _ in model.named_parameters()]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def depth(name: str, layers: int) -> int:
    """Return where a parameter lies: 0 embeddings, 1 to ``layers``, and above them ``layers + 1``.

    >>> [depth(name, 2) for name in ("backbone.embeddings.w", "backbone.layer.1.w", "head.bias")]
    [0, 2, 3]
    """
    place = re.search(r"\.(\d+)\.", name)
    if place:
        return int(place[1]) + 1
    return layers + 1 if _is_top(name) else 0


def _is_head(name: str) -> bool:
    return re.search(r"(^|\.)head\.", name) is not None


def _is_top(name: str) -> bool:
    """The norm after the last layer, and the head; not the norm after the embeddings."""
    if "embed" in name:
        return False
    return re.search(r"(^|\.)(ln_f|norm|final_norm|final_layer_norm|head)\.", name) is not None


def _everything(name: str) -> bool:
    return True


def _only(part: str) -> Callable[[str], bool]:
    return lambda name: part in name or _is_head(name)


def _put_lora(model: Any, rank: float, seed: int) -> None:
    from helpers.transfer import adapters  # peft takes seconds to import

    model.backbone = adapters.add_lora(model.backbone, int(rank), seed=seed, task_type=None)


def _put_ia3(model: Any, amount: float, seed: int) -> None:
    from helpers.transfer import adapters

    model.backbone = adapters.add_ia3(model.backbone, seed=seed)


def _put_bottlenecks(model: Any, width: float, seed: int) -> None:
    from helpers.transfer import adapters

    adapters.add_bottlenecks(model, int(width), seed=seed)


def _put_noise(kind: str) -> Callable[[Any, float, int], None]:
    def put(model: Any, share: float, seed: int) -> None:
        from helpers.transfer import regularization

        regularization.add_weight_noise(model, kind, share)

    return put


FROM_SCRATCH = Strategy(
    "from_scratch", False, _everything, "same architecture, random weights, everything learns"
)
LINEAR_PROBE = Strategy(
    "linear_probe", True, _is_head, "frozen features, only the head learns", tunes="regularization"
)
FULL = Strategy("full", True, _everything, "pretrained weights, everything learns")
LORA = Strategy(
    "lora", True, _only("lora_"), "pretrained weights frozen, low-rank changes learn",
    put_in=_put_lora, amount=8,
)  # fmt: skip


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
    count = layers_of(model)
    if not 1 <= layers <= count:
        raise UserError(
            f"{type(model).__name__} has {count} layers; the top {layers} of them cannot learn."
        )

    def learns(name: str) -> bool:
        return within.learns(name) and depth(name, count) > count - layers

    return replace(
        FULL, name="top", learns=learns, summary=f"only the last {layers} of {count} layers learn"
    )


def _unfreezing(model: nn.Module, strategy: Strategy) -> Course:
    """The head on cached features, then one layer more at a time; the embeddings with the last."""
    count = layers_of(model)
    layers = count if strategy.amount is None else int(strategy.amount)
    # From the most layers down, so that too many are refused by the number that was asked for.
    steps: list[Strategy] = [top(model, n) for n in range(layers, 0, -1)][::-1]
    if layers == count:
        steps[-1] = FULL
    return [(0.0, LINEAR_PROBE), *((1 / layers, stage) for stage in steps)]


def _two_phase(model: nn.Module, strategy: Strategy) -> Course:
    return [(0.0, LINEAR_PROBE), (1.0, FULL)]


def _reading_first(model: nn.Module, strategy: Strategy) -> Course:
    share = 0.5 if strategy.amount is None else strategy.amount
    return [(share, replace(FULL, objective=objectives.MASKED_WORDS)), (1 - share, FULL)]


_ALL = (
    FROM_SCRATCH,
    LINEAR_PROBE,
    FULL,
    Strategy("two_phase", True, _everything,
             "preliminary: the head on frozen features; refined: everything",
             course=_two_phase),
    Strategy("gradual_unfreezing", True, _everything,
             "the head, then one layer more at a time from the top", course=_unfreezing),
    Strategy("discriminative_rates", True, _everything,
             "everything learns, each layer more slowly than the one above", decay=0.8, amount=0.8),
    Strategy("joint", True, _everything, "L_s + λ L_t with a labelled source",
             objective=objectives.JOINT, amount=1.0),
    Strategy("joint_scheduled", True, _everything, "L_s + λ L_t, λ rising from 0",
             objective=objectives.JOINT_RISING, amount=2.0),
    Strategy("joint_tuned", True, _everything, "L_s + λ L_t, λ chosen on validation",
             objective=objectives.JOINT, amount=1.0, tunes="weight"),
    Strategy("domain_adaptive_pretraining", True, _everything,
             "more pretraining on the target's texts, then everything learns the labels",
             course=_reading_first, amount=0.5),
    LORA,
    Strategy("ia3", True, _only("ia3_"), "pretrained weights frozen, factors on activations learn",
             put_in=_put_ia3),
    Strategy("bitfit", True, lambda name: name.endswith("bias") or _is_head(name),
             "only biases and the head learn"),
    Strategy("adapter", True, _only("adapters."), "weights frozen, a bottleneck a layer learns",
             put_in=_put_bottlenecks, amount=16),
    Strategy("dropconnect", True, _everything, "everything learns, weights dropped at random",
             put_in=_put_noise("dropconnect"), amount=0.1),
    Strategy("mixout", True, _everything,
             "everything learns, weights put back to pretrained at random",
             put_in=_put_noise("mixout"), amount=0.5),
    Strategy("r_drop", True, _everything, "two passes with other dropout must agree",
             objective=objectives.R_DROP, amount=1.0),
)  # fmt: skip

STRATEGIES = {strategy.name: strategy for strategy in _ALL}

# What the number after the colon is, and the range it may lie in (open at infinity).
_AMOUNTS: dict[str, tuple[str, float, float]] = {
    "gradual_unfreezing": ("layers that are unfrozen", 1, 1000),
    "discriminative_rates": ("step size as a share of the layer above", 0.01, 1),
    "joint": ("λ", 0, 1e6),
    "joint_scheduled": ("largest λ", 0, 1e6),
    "domain_adaptive_pretraining": ("share of the cost for reading", 0.01, 0.99),
    "lora": ("rank", 1, 1024),
    "adapter": ("width of the bottleneck", 1, 4096),
    "dropconnect": ("share of weights dropped", 0, 0.99),
    "mixout": ("share of weights put back", 0, 0.99),
    "r_drop": ("weight of the disagreement", 0, 1e6),
}
_WHOLE = ("gradual_unfreezing", "lora", "adapter")


def get(text: str) -> Strategy:
    """Return the strategy called ``text``, with its own number after a colon if it is given.

    Raises:
        UserError: there is none of that name, the nearest one is suggested; a number that it does
            not have or that lies outside its range.

    >>> get("full").summary
    'pretrained weights, everything learns'
    >>> get("lora:4").amount, get("mixout:0.9").name
    (4.0, 'mixout:0.9')
    """
    name, colon, number = text.partition(":")
    if name not in STRATEGIES:
        raise UserError(f"There is no strategy '{name}'.{nearest(name, STRATEGIES)}")
    if not colon:
        return STRATEGIES[name]
    if name not in _AMOUNTS:
        raise UserError(f"Strategy '{name}' takes no number; write '{name}', not '{text}'.")
    meaning, low, high = _AMOUNTS[name]
    try:
        amount = float(number)
    except ValueError:
        amount = float("nan")
    if not low <= amount <= high or (name in _WHOLE and amount != int(amount)):
        kind = "a whole number" if name in _WHOLE else "a number"
        raise UserError(
            f"'{text}': what stands after the colon is the {meaning}, {kind} from {low:g} to "
            f"{high:g}, not '{number}'."
        )
    strategy = replace(STRATEGIES[name], name=text, amount=amount)
    return replace(strategy, decay=amount) if name == "discriminative_rates" else strategy
