"""Fields of discussion groups as tasks: which texts are of which, which a draw labels, the scores.

Groups have names like "rec.autos". A *field* ("rec") of two groups or more is a task of its own,
and its groups are the classes: of 20 Newsgroups comp, rec, sci and talk, and three fields of a
single group are no task. The arms are in :mod:`helpers.trials.multi_task`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers import UserError
from helpers.evaluation.worst import by_domain, mean_of_domains, worst_of_domains
from helpers.sources.sampling import draw_order, mean_overlap
from helpers.trials.rows import Inputs
from helpers.trials.trial import Trial

if TYPE_CHECKING:
    from helpers.evaluation.comparison import Comparison
    from helpers.trials.reading import Read

WORST = "worst field"
"""Name of the accuracy on the field that a training does worst on."""


def fields_of(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the groups of each field that has two or more, by the field's name.

    Raises:
        UserError: fewer than two such fields.

    >>> fields_of(["alt.x", "rec.x", "rec.y", "sci.x", "sci.y"])
    {'rec': [1, 2], 'sci': [3, 4]}
    """
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        found.setdefault(name.partition(".")[0], []).append(number)
    fields = {field: groups for field, groups in found.items() if len(groups) > 1}
    if len(fields) < 2:
        raise UserError(
            f"Several tasks need at least 2 fields of 2 groups or more, as rec.autos and "
            f"rec.motorcycles are of one; among {', '.join(names[:4])} … there are {len(fields)}."
        )
    return fields


def _field_numbers(labels: Any, names: Sequence[str]) -> np.ndarray:
    """Return the number of each text's field, -1 where its field is no task, (n,)."""
    number = np.full(len(names), -1)
    for at, groups in enumerate(fields_of(names).values()):
        number[groups] = at
    found: np.ndarray = number[np.asarray(labels)]
    return found


def select(labels: Any, names: Sequence[str]) -> np.ndarray:
    """Return the places of the texts of fields among all; ``labels``: group of every text, (n,).

    >>> select([0, 2, 1], ["alt.x", "rec.x", "rec.y", "sci.x", "sci.y"])
    array([1, 2])
    """
    return np.flatnonzero(_field_numbers(labels, names) >= 0)


def truth_of(trial: Trial, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return the group and the number of the field of the scored texts, (items,) each."""
    labels = inputs[f"{trial.split}.labels"]
    labels = labels[select(labels, inputs["names"])]
    return labels, _field_numbers(labels, inputs["names"])


def drawn(labels: Any, names: Sequence[str], draw: int, n: int) -> dict[str, np.ndarray]:
    """Return the places of a draw's labelled texts by field, as many of each.

    Args:
        labels: group of every training text, (m,).
        names: of the groups.
        draw: as :func:`helpers.sources.sampling.draw_order`, which is done in each field.
        n: labelled texts of all fields together.

    Raises:
        UserError: not as many of each, or more than a field has.
    """
    fields, numbers = fields_of(names), _field_numbers(labels, names)
    if n % len(fields):
        raise UserError(
            f"{n:,} labels cannot be shared out alike among {len(fields)} fields: take a multiple "
            f"of {len(fields)}."
        )
    each, found = n // len(fields), {}
    for at, field in enumerate(fields):
        places = np.flatnonzero(numbers == at)
        if each > len(places):
            raise UserError(
                f"{each:,} labels of the field '{field}' were asked for, it has {len(places):,}."
            )
        found[field] = places[draw_order(np.asarray(labels)[places], draw)[:each]]
    return found


def overlap(labels: Any, names: Sequence[str], draws: Sequence[int], n: int) -> float:
    """Return the share of labelled texts that two draws have in common, the mean over pairs.

    Args as for :func:`drawn`.
    """
    return mean_overlap(np.concatenate([*drawn(labels, names, draw, n).values()]) for draw in draws)


def places_of(inputs: Inputs, split: str) -> dict[str, np.ndarray]:
    """Return the places of a split's texts of each field."""
    numbers = _field_numbers(inputs[f"{split}.labels"], inputs["names"])
    return {
        field: np.flatnonzero(numbers == at) for at, field in enumerate(fields_of(inputs["names"]))
    }


def comparisons(
    read: Read, truth: np.ndarray, names: Sequence[str]
) -> tuple[Comparison, Comparison]:
    """Return the arms compared by their mean over fields, and by their worst field.

    Args:
        read: of a study of several tasks.
        truth: group of every text of the scored split, (n,), those of no field among them.
        names: of the groups.

    Returns:
        By "accuracy", the mean over fields of the accuracy in each; and by :data:`WORST`, draw by
        draw (:func:`helpers.evaluation.worst.worst_of_domains`).
    """
    from helpers.evaluation.comparison import Comparison
    from helpers.trials.reading import draws_of

    labels = np.asarray(truth)[select(truth, names)]
    numbers, draws = _field_numbers(labels, names), draws_of(read)
    tables = {
        key: by_domain([outcome.items["predicted"] == labels for outcome in each.values()], numbers)
        for key, each in read.outcomes.items()
    }
    return (
        Comparison(tables, mean_of_domains, draws=draws),
        Comparison(tables, worst_of_domains, WORST, draws),
    )
