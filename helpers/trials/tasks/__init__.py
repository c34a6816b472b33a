"""The table of tasks that trials may have; a task is a module here and a line of the table."""

from helpers import UserError, nearest
from helpers.trials.tasks.base import TrialTask
from helpers.trials.tasks.classification import Classification
from helpers.trials.tasks.domain_tagging import DomainTagging
from helpers.trials.tasks.domains import Domains
from helpers.trials.tasks.episodes import Episodes
from helpers.trials.tasks.language_modeling import LanguageModels
from helpers.trials.tasks.multi_task import MultiTask
from helpers.trials.tasks.retrieval import Retrieval
from helpers.trials.tasks.tagging import Tagging
from helpers.trials.tasks.translation import Translating

TASKS: dict[str, TrialTask] = {
    task.name: task
    for task in (
        Classification(),
        Tagging(),
        Domains(),
        Episodes(),
        Translating(),
        LanguageModels(),
        Retrieval(),
        MultiTask(),
        DomainTagging(),
    )
}
"""By the names that trials have."""


def task_of(name: str) -> TrialTask:
    """Return the task called ``name``.

    Raises:
        UserError: there is none.

    >>> task_of("tagging").items
    ('found', 'missed', 'wrong')
    """
    if name not in TASKS:
        raise UserError(f"There is no task '{name}'.{nearest(name, TASKS)}")
    return TASKS[name]
