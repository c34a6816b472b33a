"""Arms of two domains: labels of a source, few of a target, and the target's unlabelled texts.

The texts are 20 Newsgroups as vectors of a frozen encoder (:mod:`helpers.trials.tasks.vectors`); a
corpus "20newsgroups:rec-talk" is the pair of that name. A draw is other labelled texts of both
domains; without labels all training texts of the target are seen, the same ones in every draw. What
is chosen for an arm that has no label of the target is chosen on validation texts of the *source*
(split "source_validation"): labels of the target would be peeking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from helpers import UserError, nearest
from helpers.sources.newsgroups import NEWSGROUP_PAIRS
from helpers.sources.sampling import draw_order
from helpers.trials import answers
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

if TYPE_CHECKING:
    from helpers.evaluation.comparison import Comparison


def groups_of(corpus: str, side: str) -> list[str]:
    """Return the groups of a pair's domain, "source" or "target".

    Raises:
        UserError: no such pair.

    >>> groups_of("20newsgroups:rec-sci", "source")
    ['rec.autos', 'rec.sport.baseball', 'sci.med', 'sci.space']
    """
    pair = corpus.partition(":")[2]
    if pair not in NEWSGROUP_PAIRS:
        raise UserError(f"There is no pair of domains '{pair}'.{nearest(pair, NEWSGROUP_PAIRS)}")
    return NEWSGROUP_PAIRS[pair][("source", "target").index(side)].split()


def select(
    labels: np.ndarray, names: list[str], corpus: str, side: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of a domain's texts among all, and their classes (0 and 1).

    Args:
        labels: group of every text, (n,).
        names: of the groups.
        corpus: see the module.
        side: "source" or "target".

    >>> names = ["rec.autos", "sci.med", "talk.religion.misc"]
    >>> places, classes = select(np.array([2, 1, 0, 1]), names, "20newsgroups:rec-sci", "source")
    >>> places.tolist(), classes.tolist()
    ([1, 2, 3], [1, 0, 1])
    """
    groups = groups_of(corpus, side)
    fields = sorted({group.partition(".")[0] for group in groups})
    number = np.full(len(names), -1)
    for at, name in enumerate(names):
        if name in groups:
            number[at] = fields.index(name.partition(".")[0])
    classes = number[labels]
    places = np.flatnonzero(classes >= 0)
    return places, classes[places]


def truth_of(trial: Trial, inputs: Inputs) -> np.ndarray:
    """Return the classes of the scored texts, (items,)."""
    return _scored(trial, inputs)[1]


def _scored(trial: Trial, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors and classes of the scored texts."""
    side = "source" if trial.split == "source_validation" else "target"
    return _side(trial, inputs, trial.split.removeprefix("source_"), side)


def _side(trial: Trial, inputs: Inputs, split: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    labels, names = inputs[f"{split}.labels"], inputs["names"]
    places, classes = select(labels, names, trial.corpus, side)
    return inputs[f"{split}.features"][places].astype(np.float64), classes


def _labelled(trial: Trial, inputs: Inputs, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and classes of the labelled texts of a domain."""
    features, classes = _side(trial, inputs, "train", side)
    count = trial.labels if side == "target" else trial.options["source_labels"]
    if count > len(classes):
        raise UserError(
            f"{trial.label}: {count:,} labels of the {side} were asked for, it has "
            f"{len(classes):,}."
        )
    chosen = draw_order(classes, trial.draw)[:count]
    return features[chosen], classes[chosen]


def together(pairs: Sequence[Comparison]) -> Comparison:
    """Return the arms on the test texts of several pairs taken together, draw by draw.

    A draw has other labels in every pair. Arms, label counts and draws that not all have are left
    out.

    Raises:
        UserError: the pairs have nothing in common.

    >>> from helpers.evaluation.comparison import Comparison
    >>> compared = Comparison({("joint", 32): np.ones((2, 3))})
    >>> together([compared, Comparison({("joint", 32): np.zeros((2, 1))})]).score("joint", 32)
    0.75
    """
    from helpers.evaluation.comparison import Comparison

    scores, draws = {}, {}
    for key in pairs[0].scores:
        if all(key in each.scores for each in pairs):
            numbers = [list(each.draws.get(key, range(len(each.of(*key))))) for each in pairs]
            common = sorted(set(numbers[0]).intersection(*numbers))
            tables = [
                each.of(*key)[[known.index(draw) for draw in common]]
                for each, known in zip(pairs, numbers, strict=True)
            ]
            if common:
                scores[key], draws[key] = np.concatenate(tables, axis=1), common
    return Comparison(scores, draws=draws)


def _outcome(fitted: Any, scored: np.ndarray) -> Outcome:
    probabilities = np.zeros((len(scored), 2))
    probabilities[:, fitted.classes_] = fitted.predict_proba(scored)
    return Outcome({"predicted": answers.of_probabilities(probabilities)["predicted"]})


def _fit(trial: Trial, x: np.ndarray, y: np.ndarray, weights: Any = None) -> Any:
    from helpers.evaluation.probes import probe

    return probe(trial.options["regularization"]).fit(x, y, weights)


def majority(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say the more frequent class of the target's labelled texts of every text."""
    classes = _labelled(trial, inputs, "target")[1]
    larger = np.bincount(classes, minlength=2).argmax()
    return Outcome({"predicted": np.full(trial.items, larger, np.uint8)})


def source_only(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Learn from the source's labels; what is seen of the target is nothing."""
    return _outcome(_fit(trial, *_labelled(trial, inputs, "source")), _scored(trial, inputs)[0])


def target_only(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Learn from the target's few labels: no transfer between the domains."""
    return _outcome(_fit(trial, *_labelled(trial, inputs, "target")), _scored(trial, inputs)[0])


def joint(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Minimize L_s + λ L_t; without a ``weight`` in the setting every text counts alike."""
    from helpers.transfer.frozen import item_weights

    (xs, ys), (xt, yt) = (_labelled(trial, inputs, side) for side in ("source", "target"))
    weight = trial.options.get("weight", len(yt) / len(ys))
    weights = item_weights(len(ys), len(yt), weight)
    fitted = _fit(trial, np.vstack([xs, xt]), np.r_[ys, yt], weights)
    return _outcome(fitted, _scored(trial, inputs)[0])


def coral(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Move the source's vectors to where the target's lie, then learn from its labels."""
    from helpers.transfer.frozen import aligned

    xs, ys = _labelled(trial, inputs, "source")
    target, scored = _side(trial, inputs, "train", "target")[0], _scored(trial, inputs)[0]
    if trial.split == "source_validation":
        scored = aligned(scored, xs, target)
    return _outcome(_fit(trial, aligned(xs, xs, target), ys), scored)


def importance(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Let source texts that look like the target's count for more."""
    from helpers.transfer.frozen import importance as weights_of

    xs, ys = _labelled(trial, inputs, "source")
    weights = weights_of(xs, _side(trial, inputs, "train", "target")[0])
    return _outcome(_fit(trial, xs, ys, weights), _scored(trial, inputs)[0])


def self_training(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Learn from the source, take the surest answers on the target for labels, learn again."""
    from helpers.transfer.frozen import surest

    xs, ys = _labelled(trial, inputs, "source")
    target = _side(trial, inputs, "train", "target")[0]
    first = _fit(trial, xs, ys)
    sure = surest(first.predict_proba(target))
    guessed = first.predict(target[sure])
    fitted = _fit(trial, np.vstack([xs, target[sure]]), np.r_[ys, guessed])
    return _outcome(fitted, _scored(trial, inputs)[0])
