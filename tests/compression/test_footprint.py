"""What a model needs: counts by formula, bytes of files, turns taken fairly, errors."""

import gc
import time

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.compression import footprint
from helpers.compression.footprint import Latency
from helpers.compression.pruning import finish, prune_by_magnitude


def test_parameters_are_those_of_the_formula(tiny):
    d, f, v, positions, classes, layers = 32, 64, 400, 40, 3, 2
    attention = 4 * (d * d + d) + 2 * d
    feed_forward = d * f + f + f * d + d + 2 * d
    rest = (positions + 2) * d + 2 * d + layers * (attention + feed_forward) + d * d + d  # + pooler
    found = footprint.parameters(tiny.model())
    assert found.vocabulary == v * d
    assert found.others == rest + classes * d + classes
    assert found.total == sum(p.numel() for p in tiny.model().parameters())


def test_zeros_are_counted(tiny):
    before = footprint.parameters(tiny.model()).zeros
    model = finish(prune_by_magnitude(tiny.model(), 0.5))
    prunable = 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert footprint.parameters(model).zeros - before == prunable // 2


def test_methods_take_turns_in_changing_orders_after_a_warm_up():
    calls = []
    methods = {name: lambda batch, name=name: calls.append(name) for name in "abc"}
    found = footprint.measure(methods, {"input_ids": [[1], [2]]}, rounds=20, warmup=2, seed=1)
    rounds = [tuple(calls[i : i + 3]) for i in range(0, len(calls), 3)]
    assert len(rounds) == 22 and all(set(one) == set("abc") for one in rounds)
    assert len(set(rounds)) > 3
    assert {len(one.seconds) for one in found.values()} == {20}
    assert {one.batch_size for one in found.values()} == {2}


def test_threads_are_set_for_a_while():
    before, seen = torch.get_num_threads(), []
    footprint.measure(
        {"a": lambda _: seen.append(torch.get_num_threads())},
        {"input_ids": [0]},
        rounds=1,
        threads=3,
    )
    assert set(seen) == {3} and torch.get_num_threads() == before


def test_the_collector_rests_while_times_are_taken_even_if_a_method_fails():
    seen = []

    def fail(_):
        seen.append(gc.isenabled())
        raise KeyError

    assert gc.isenabled()
    with pytest.raises(KeyError):
        footprint.measure({"a": fail}, {"input_ids": [0]}, rounds=1)
    assert seen == [False] and gc.isenabled()


def test_who_sleeps_longer_is_slower():
    naps = {"short": lambda _: time.sleep(0.004), "long": lambda _: time.sleep(0.02)}
    found = footprint.measure(naps, {"input_ids": [[0]] * 3}, rounds=9, warmup=1)
    assert found["short"].p50 >= 0.004
    assert found["long"].throughput <= 3 / 0.02
    assert footprint.speedup(found["short"], found["long"]).low > 1.2
    assert footprint.speedup(found["long"], found["short"]).high < 1 / 1.2


def test_a_speedup_is_the_ratio_of_medians_and_pairs_rounds():
    rng = np.random.default_rng(0)
    load = rng.lognormal(size=40)  # the machine's, the same for both in a round
    slow, fast = Latency(1, 3.0 * load), Latency(1, load)
    found = footprint.speedup(fast, slow)
    assert found.value == pytest.approx(3)
    assert (found.low, found.high) == pytest.approx((3, 3))


def test_mistakes_are_sentences():
    with pytest.raises(UserError, match="measure needs at least one method, one round and no"):
        footprint.measure({}, {"input_ids": [0]})
    with pytest.raises(UserError, match="Only methods of the same measurement can be compared"):
        footprint.speedup(Latency(1, np.ones(3)), Latency(1, np.ones(4)))
