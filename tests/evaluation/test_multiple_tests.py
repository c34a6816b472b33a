"""Families of tests, against the definition of their steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.evaluation.multiple_tests import holm

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(deadline=None)
@given(p_lists, st.floats(0.001, 0.5))
def test_holm_rejects_what_its_steps_reject(p_values, level):
    rejected, m = set(), len(p_values)
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[i] * (m - step) > level:
            break
        rejected.add(int(i))
    found = set(np.flatnonzero(holm(p_values) <= level).tolist())
    assert found == rejected


@given(p_lists, st.randoms())
def test_adjusted_values_do_not_depend_on_order_and_only_grow(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    adjusted = holm(p_values)
    assert (adjusted >= np.array(p_values) - 1e-12).all() and (adjusted <= 1).all()
    np.testing.assert_allclose(holm(np.array(p_values)[order]), adjusted[order])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: holm([]), "at least one p-value"),
        (lambda: holm([0.5, 1.2]), r"must lie in \[0, 1\]"),
        (lambda: holm([np.nan]), r"must lie in \[0, 1\]"),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
