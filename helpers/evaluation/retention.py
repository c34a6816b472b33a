r"""What compression leaves: of the score, of the gain from transfer, and of each class.

Tables are right or wrong answers (or any score of an item) on the same test items with the same
seeds, (seeds, items). The measures are this project's: the field reports the score after
compression, not how much of what *transfer* gave is left of it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.intervals import (
    Interval,
    Statistic,
    bootstrap_interval,
    paired_bootstrap,
    two_level_interval,
)
from helpers.evaluation.multiple_tests import holm
from helpers.evaluation.significance import permutation_test

Floats = npt.NDArray[np.float64]


def retained_gain(
    compressed: npt.ArrayLike, full: npt.ArrayLike, scratch: npt.ArrayLike
) -> Interval:
    r"""Return the share of the transfer gain that is left after compression, with its interval.

    $(s_{compressed} - s_{scratch}) / (s_{full} - s_{scratch})$, where *scratch* is the full model
    trained without pretraining. 1: nothing lost; 0: as if there had been no pretraining; below 0:
    worse than that. Modelled on Taylor & Stone's transfer ratio (JMLR 10, 2009). Where the gain
    itself cannot be told from zero, or is zero with one of several seeds, the share has no meaning,
    and the interval is undefined; so it is where the share has no finite bound.

    >>> rng = np.random.default_rng(0)
    >>> full, scratch = rng.random((2, 3, 400)) < [[[0.9]], [[0.6]]]
    >>> print(f"{retained_gain(full, full, scratch):.2f}")
    1.00 [undefined]
    >>> print(f"{retained_gain(full & (rng.random((3, 400)) < 0.9), full, scratch):.2f}")
    0.69 [0.56, 0.82]
    """

    def share(means: Floats) -> Floats:
        gains = means[:, 1] - means[:, 2]
        none = np.isclose(gains, 0, rtol=0, atol=1e-12)
        if none.any() and len(np.asarray(full)) > 1:
            raise ZeroDivisionError
        # A rare resample of one seed's items without a gain belongs at the end of the tail.
        return (means[:, 0] - means[:, 2]) / np.where(none, 1e-12, gains)

    gain, left = two_level(full, scratch), two_level(compressed, scratch).value
    why = "no transfer gain that could be retained"
    if gain.low > 0:
        try:
            found = _of_tables([compressed, full, scratch], share)
            if not max(abs(found.low), abs(found.high)) > 1e6:
                return found
            why = "the share has no finite bound"
        except ZeroDivisionError:
            why = "the transfer gain is zero with one of the seeds"
    value = left / gain.value if gain.value else np.nan
    return Interval(value, np.nan, np.nan, gain.n, gain.level, f"undefined: {why}")


def beyond_share(
    compressed: npt.ArrayLike, full: npt.ArrayLike, scratch: npt.ArrayLike, share: float
) -> Interval:
    r"""Return how far a compressed model is above keeping ``share`` of the transfer gain.

    $(s_{compressed} - s_{scratch}) - share \cdot (s_{full} - s_{scratch})$: in the unit of the
    score, above 0 where more of the gain is left than that. Linear in the scores, so it is a
    difference like any other, from a point on the way between two models, and it has a p-value
    where :func:`retained_gain`, a ratio, has none. Being above a share that was named before is a
    test of non-inferiority with that share as its margin (Blackwelder 1982, *"Proving the null
    hypothesis" in clinical trials*, Controlled Clinical Trials 3).

    Args:
        compressed: (seeds, items), as the other two.
        full: the model that was compressed.
        scratch: the model without transfer.
        share: of the gain, in [0, 1].

    Raises:
        UserError: shapes that do not fit, or a share outside [0, 1].

    >>> rng = np.random.default_rng(0)
    >>> full, scratch = rng.random((2, 5, 400)) < [[[0.9]], [[0.6]]]
    >>> print(beyond_share(full, full, scratch, 0.9))  # nothing lost: a tenth of the gain, 0.3
    0.029 [0.025, 0.033]
    """
    if not 0 <= share <= 1:
        raise UserError(f"The share of the gain must be in [0, 1], not {share}.")
    a, b, c = _tables([compressed, full, scratch])
    return two_level(a, share * b + (1 - share) * c)


def two_level(a: npt.ArrayLike, b: npt.ArrayLike) -> Interval:
    """Return the interval of the mean of a - b over seeds and items; over items for one seed.

    ``a``, ``b``: (seeds, items).

    >>> two_level([[1, 1, 0, 1]], [[1, 0, 0, 0]]).value
    0.5
    """
    return _of_tables([a, b], lambda m: m[:, 0] - m[:, 1])


@dataclass(frozen=True)
class Damage:
    """What compression does to one class.

    Attributes:
        items: test items of the class, counted once.
        before: recall of the full model, in [0, 1].
        change: recall of the compressed model minus ``before``, over items.
        p: two-sided, by exchanging the models on random items
            (:func:`helpers.evaluation.significance.permutation_test`), adjusted for the number of
            classes (Holm); 1 for a class of one item.
    """

    items: int
    before: float
    change: Interval
    p: float


def damage_by_class(
    compressed: npt.ArrayLike, full: npt.ArrayLike, labels: npt.ArrayLike, n_classes: int
) -> dict[int, Damage]:
    """Return what compression does to the recall of every class that has test items.

    A class of one item has no interval. The question is one of items: other test items, for these
    models; it says nothing of other draws, and is no evidence for a claim.

    Compression's losses are not spread evenly: rare classes pay first (Hooker et al. 2020,
    arXiv 2010.03058), and the mean hides it.

    Args:
        compressed: (seeds, items).
        full: (seeds, items), the same.
        labels: (items,) true classes.
        n_classes: number of classes.

    Raises:
        UserError: shapes that do not fit, or labels that are not classes.

    >>> right = np.ones((2, 40)); worse = right.copy(); worse[:, :20] = 0
    >>> found = damage_by_class(worse, right, [0] * 20 + [1] * 20, 3)
    >>> found[0].change.value, found[1].change.value, sorted(found)
    (-1.0, 0.0, [0, 1])
    """
    a, b = _tables([compressed, full])
    truth = np.asarray(labels)
    if truth.shape != a.shape[1:]:
        raise UserError(f"labels must be one for each of {a.shape[1]} items, not {truth.shape}.")
    strange = sorted(set(truth.tolist()) - set(range(n_classes)))
    if strange:
        raise UserError(f"labels must be from 0 to {n_classes - 1}, not {strange[0]}.")
    changes, chances = {}, {}
    for label in range(n_classes):
        of = truth == label
        before, after = b[:, of].mean(0), a[:, of].mean(0)  # over seeds: one number an item
        if of.sum() == 1:
            change = float(after[0] - before[0])
            changes[label] = Interval(change, np.nan, np.nan, 1, 0.95, "undefined: one item")
            chances[label] = 1.0
        elif of.any():
            changes[label] = paired_bootstrap(after, before)
            chances[label] = permutation_test(after, before).p
    adjusted = holm(list(chances.values()))
    p = dict(zip(chances, adjusted.tolist(), strict=True))
    return {
        label: Damage(
            int((truth == label).sum()), float(b[:, truth == label].mean()), change, p[label]
        )
        for label, change in changes.items()
    }


def _tables(tables: list[npt.ArrayLike]) -> list[Floats]:
    arrays = [np.asarray(table, dtype=float) for table in tables]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1 or arrays[0].ndim != 2 or not arrays[0].size:
        given = ", ".join(str(array.shape) for array in arrays)
        raise UserError(f"The tables must be (seeds, items), all of one shape, not {given}.")
    return arrays


def _of_tables(tables: list[npt.ArrayLike], statistic: Statistic) -> Interval:
    """Return the interval of a function of the tables' means, (b, tables) -> (b,)."""
    stacked = np.stack(_tables(tables), axis=-1)
    if len(stacked) == 1:
        return bootstrap_interval(stacked[0], statistic)
    # A statistic of one table with several columns: the second table is not looked at.
    return two_level_interval(stacked, stacked, lambda means, _: statistic(means))
