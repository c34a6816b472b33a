"""Arms of one domain of a newspaper that see sentences of the rest: general, pooled, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from helpers.sources.sampling import draw_order
from helpers.training.costs import training_flops
from helpers.trials import kept, networks
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows, n_items
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

if TYPE_CHECKING:
    from helpers.tasks.heads import EncoderWithHead
    from helpers.training.loop import Row


def general(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the pretrained network on sentences of the rest alone."""
    model = networks.build(trial, inputs, folders, pretrained=True)
    return networks.trained(trial, inputs, model, device, rows_of_rest(trial, inputs))


def pooled(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the pretrained network on sentences of the rest and of the domain, all at once."""
    model = networks.build(trial, inputs, folders, pretrained=True)
    own = networks.rows_seen(trial, inputs, networks.labelled(trial, inputs))
    return networks.trained(trial, inputs, model, device, [*own, *rows_of_rest(trial, inputs)])


def general_then_domain(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> Outcome:
    """Train on sentences of the rest, then go on with those of the domain.

    The curve is of the second training; ``cost`` is of both, and has therefore no steps of its own.
    """
    origin = kept.parent_of(trial)

    def learn(model: Any) -> dict[str, Any]:
        done = networks.fit(origin, rows_of_rest(origin, inputs), model, device)
        return {"flops": training_flops(model, done.tokens), "tokens": done.tokens}

    def blank() -> EncoderWithHead:
        return networks.build(origin, inputs, folders, pretrained=True)

    model, before = kept.network(origin, blank, learn, device)
    own = networks.rows_seen(trial, inputs, networks.labelled(trial, inputs))
    outcome = networks.trained(trial, inputs, model, device, own)  # type: ignore[arg-type]
    cost = {name: value + before.get(name, 0.0) for name, value in outcome.cost.items()}
    cost.pop("steps")
    return Outcome(outcome.items, outcome.curve, cost)


def rows_of_rest(trial: Trial, inputs: Inputs) -> list[Row]:
    """Return the draw's labelled sentences of the rest, as rows of tokens."""
    order = draw_order(np.zeros(n_items(inputs, "general"), int), trial.draw)
    return item_rows(inputs, "general", order[: trial.options["general_labels"]])
