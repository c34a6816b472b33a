"""What a search chooses, and what follows from it."""

import pytest

from helpers.trials.choice import PlannedSearch, best_setting, searched
from tests.trials.made import trial

RATES = (1e-4, 3e-4, 1e-3)


def test_the_best_score_is_chosen():
    tried = [({"c": 1.0}, 0.5), ({"c": 10.0}, 0.9), ({"c": 100.0}, 0.7)]
    assert best_setting(tried) == ({"c": 10.0}, [])


@pytest.mark.parametrize(("best", "edge"), [(0, ["c"]), (1, []), (2, ["c"])])
def test_the_ends_of_a_grid_are_its_edge(best, edge):
    assert best_setting([({"c": c}, float(c == best)) for c in (2, 0, 1)]) == ({"c": best}, edge)


def test_a_single_setting_has_no_edge():
    assert best_setting([({"c": 1.0}, 0.5)]) == ({"c": 1.0}, [])


def test_each_part_of_a_setting_has_its_own_edge():
    tried = [
        ({"learning_rate": rate, "steps": steps}, float((rate, steps) == (3e-4, 120)))
        for rate in RATES
        for steps in (40, 120)
    ]
    assert best_setting(tried) == ({"learning_rate": 3e-4, "steps": 120}, ["steps"])


def test_of_equal_scores_fewer_steps_are_taken_and_then_the_earlier():
    assert best_setting([({"steps": 120}, 0.9), ({"steps": 40}, 0.9)])[0] == {"steps": 40}
    tried = [({"steps": 40, "rate": 3}, 0.9), ({"steps": 40, "rate": 1}, 0.9)]
    assert best_setting(tried)[0] == {"steps": 40, "rate": 3}
    assert best_setting([({"c": 10.0}, 0.9), ({"c": 1.0}, 0.9)])[0] == {"c": 10.0}


def of(rate, steps, draw):
    return trial(arm="fine_tuned", draw=draw, setting=(("learning_rate", rate), ("steps", steps)))


def test_what_follows_is_of_the_best_setting_that_has_a_score():
    tried = [of(rate, 40, -1) for rate in RATES]
    then = [[of(rate, 40, draw) for draw in range(2)] for rate in RATES]
    choice = PlannedSearch(tried, then)
    scores = {one.key: score for one, score in zip(tried, (0.5, 0.7, 0.9), strict=True)}
    assert choice.follow(scores) == then[2]
    assert choice.follow({key: scores[key] for key in list(scores)[:2]}) == then[1]


def test_of_equal_scores_what_follows_is_the_cheaper():
    tried = [of(1e-3, steps, -1) for steps in (120, 40)]
    choice = PlannedSearch(tried, [[of(1e-3, steps, 0)] for steps in (120, 40)])
    assert choice.follow({one.key: 0.5 for one in tried}) == choice.then[1]


def test_only_what_a_search_varies_is_compared():
    one = trial(arm="fine_tuned", setting=(("steps", 40), ("max_length", 64), ("dropout", 0.0)))
    assert searched(one) == {"steps": 40}
