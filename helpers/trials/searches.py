"""Searches: what a study tries before its trials exist, and what is searched already."""

from dataclasses import replace
from typing import Any

from helpers import UserError
from helpers.sources.sampling import TUNING
from helpers.trials.choice import PlannedSearch, searched
from helpers.trials.inputs import facts_of
from helpers.trials.settings import found_for, setting_for
from helpers.trials.studies import Question
from helpers.trials.tasks import task_of
from helpers.trials.trial import Trial


def has_search(task: str, arm: str) -> bool:
    """Tell whether an arm has a setting; a bi-encoder that is only read has none.

    >>> has_search("classification", "frozen"), has_search("retrieval", "frozen")
    (True, False)
    """
    return task_of(task).setup(arm).grid is not None


def unsearched(asked: Question) -> list[str]:
    """Return the arms of a question for which no setting was found anywhere yet.

    Their trials cannot be defined, so they are missing whatever is stored; nor can those that start
    from a network whose setting was not found.
    """
    setup = task_of(asked.task).setup
    own = [arm for arm in asked.arms if setup(arm).grid and not _searched(asked, arm)]
    late = origins_unsearched(asked)
    return [arm for arm in asked.arms if arm in own or arm in late]


def origins_unsearched(asked: Question) -> list[str]:
    """Return the arms of a question that start from a network whose setting was not found yet."""
    setup = task_of(asked.task).setup
    return [
        arm
        for arm in asked.arms
        if not all(_searched(asked, origin) for origin in setup(arm).starts_from)
    ]


def _searched(asked: Question, arm: str) -> bool:
    try:
        setting_for(asked.task, asked.corpus, asked.model, arm, asked.labels[0])
    except UserError:
        return False
    return True


def origins_first(asked: Question) -> list[Question]:
    """Return a question in the parts of a search: arms that start from others' networks come last.

    >>> parts = origins_first(Question(arms=["small", "distilled", "fine_tuned"]))
    >>> [list(part.arms) for part in parts]
    [['fine_tuned'], ['small', 'distilled']]
    """
    setup = task_of(asked.task).setup
    late = [arm for arm in asked.arms if {*setup(arm).starts_from} & {*asked.arms}]
    early = [arm for arm in asked.arms if arm not in late]
    return [replace(asked, arms=arms) for arms in (early, late) if arms]


def search_trials(asked: Question) -> list[tuple[dict[str, Any], list[Trial]]]:
    """Return what a search tries: for each arm and label count its marks and its trials.

    All are on the tuning draw and on validation items.

    Raises:
        UserError: a study of wrong labels, which takes the settings of right ones.
    """
    if asked.wrong_labels:
        raise UserError(
            "A study of wrong labels takes the settings that were found with right ones: there is "
            "nothing to search."
        )
    facts = facts_of(asked.corpus, asked.task)
    kind = task_of(asked.task)
    found = []
    for arm, n in asked.pairs():
        split = kind.chosen_on(arm)
        trials = [
            trial
            for setting in kind.grid(arm, n, asked.rates.get(arm, ()))
            for trial in asked.trials(arm, n, [TUNING], facts=facts, split=split, setting=setting)
        ]
        if trials:
            marks = {mark: getattr(asked, mark) for mark in ("task", "corpus", "model")}
            found.append((marks | {"arm": arm, "labels": trials[0].labels}, trials))
    return found


def settled(asked: Question, arm: str, labels: int) -> bool:
    """Tell whether an arm has nothing to choose, or its setting was found for this label count."""
    if not has_search(asked.task, arm):
        return True
    labels = min(labels, facts_of(asked.corpus, asked.task)["train"])
    found = found_for(asked.task, asked.corpus, asked.model)
    return any((entry["arm"], entry["labels"]) == (arm, labels) for entry in found)


def choices(asked: Question) -> list[PlannedSearch]:
    """Return the searches that are missing, each with the trials that follow under each setting.

    Arms that start from another's network have none: what it starts from is to be chosen first.
    """
    if asked.wrong_labels:
        return []
    setup = task_of(asked.task).setup
    found = []
    for marks, tried in search_trials(asked):
        arm, labels = marks["arm"], marks["labels"]
        if not settled(asked, arm, labels) and not setup(arm).starts_from:
            then = [
                asked.trials(arm, labels, range(asked.draws), setting=searched(trial))
                for trial in tried
            ]
            found.append(PlannedSearch(tried, then))
    return found
