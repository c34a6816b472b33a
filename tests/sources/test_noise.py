"""Wrong labels: how many, never the right one, nested, evenly spread; errors."""

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.noise import flip_labels

LABELS = np.arange(1000) % 5


@pytest.mark.parametrize("share", [0.0, 0.125, 0.5, 1.0])
def test_exactly_the_share_is_wrong(share):
    noisy = flip_labels(LABELS, share, 5, seed=0)
    assert (noisy != LABELS).sum() == round(share * 1000)
    assert noisy.min() >= 0 and noisy.max() <= 4


def test_wrong_labels_are_spread_evenly():
    noisy = flip_labels(LABELS, 1.0, 5, seed=1)
    steps = np.bincount((noisy - LABELS) % 5, minlength=5)
    assert steps[0] == 0 and steps[1:].min() > 200


def test_more_noise_holds_the_less():
    little, much = (flip_labels(LABELS, share, 5, seed=2) for share in (0.2, 0.6))
    wrong = little != LABELS
    assert (much[wrong] == little[wrong]).all()
    assert not np.array_equal(little, flip_labels(LABELS, 0.2, 5, seed=3))


def test_mistakes_are_sentences():
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(
            UserError, match=r"The share of wrong labels must lie in \[0, 1\], not "
        ):
            flip_labels(LABELS, share, 5, seed=0)
    with pytest.raises(UserError, match="only among at least two classes, not 1"):
        flip_labels([0, 0], 0.5, 1, seed=0)
