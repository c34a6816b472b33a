"""Bits per byte: by hand, and against the plain bootstrap of ratios."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation import bits
from helpers.evaluation.bounds import Interval


def tables(seeds, documents, rate, seed=0):
    rng = np.random.default_rng(seed)
    size = np.random.default_rng(9).integers(200, 2000, documents).astype(float)
    each = rate + rng.normal(0, 0.1, (seeds, documents))
    return np.stack([size * each, np.broadcast_to(size, each.shape)], axis=2)


def test_long_documents_count_as_much_as_they_are_long():
    assert bits.per_byte([[10, 10], [300, 100]]) == pytest.approx(310 / 110)


def test_the_interval_is_about_the_plain_bootstraps():
    table = tables(1, 80, 2.0)[0]
    found = bits.interval(table)
    rng = np.random.default_rng(1)
    draws = [bits.per_byte(table[rng.integers(0, 80, 80)]) for _ in range(4000)]
    assert found.value == pytest.approx(bits.per_byte(table))
    np.testing.assert_allclose(
        [found.low, found.high], np.quantile(draws, [0.025, 0.975]), atol=0.01
    )


def test_what_is_saved_has_its_sign_and_mirrors():
    good, poor = tables(3, 60, 1.8), tables(3, 60, 2.0, seed=1)
    found = bits.saved(good, poor)
    values = [bits.per_byte(p) - bits.per_byte(g) for g, p in zip(good, poor, strict=True)]
    assert found.value == pytest.approx(np.mean(values)) and found.low > 0
    assert bits.saved(poor, good).high == pytest.approx(-found.low)
    one = bits.saved(good[:1], poor[:1])
    assert one.low > 0 and one.n == 60


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bits.per_byte([1, 2]), r"must be \(documents, 2\)"),
        (lambda: bits.per_byte([[1, 0]]), "at least one byte"),
        (lambda: bits.saved(tables(2, 5, 1), tables(3, 5, 1)), "must both be"),
        (lambda: bits.saved([], []), "must both be"),
    ],
)
def test_bad_tables_are_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()


def test_minus_bits_per_byte_is_the_score_of_all_documents():
    rng = np.random.default_rng(0)
    size = rng.integers(50, 900, (3, 40))
    table = np.stack([size * rng.normal(2, 0.2, (3, 40)), size], axis=-1)
    found = bits.negative(table.mean(1))
    np.testing.assert_allclose(found, [-bits.per_byte(one) for one in table])
    nats = table[0, :, 0] * np.log(2)
    assert bits.negative_of(nats, table[0, :, 1]) == pytest.approx(found[0])


def test_an_interval_is_turned_end_over_end():
    found = bits.turned(Interval(-1.6, -1.7, -1.5, 48, 0.95, ""))
    assert (found.value, found.low, found.high, found.n) == (1.6, 1.5, 1.7, 48)
