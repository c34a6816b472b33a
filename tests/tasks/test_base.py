"""Every class that is a task has what a task has, whatever its module."""

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

import helpers.tasks
from helpers.tasks.base import Task, Trainable
from helpers.tasks.new_domain import NewDomain
from helpers.tasks.retrieval import ReplyRetrieval

MODULES = [
    importlib.import_module(f"helpers.tasks.{found.name}")
    for found in pkgutil.iter_modules(helpers.tasks.__path__)
    if found.name != "base"
]
TASKS = [
    one
    for module in MODULES
    for one in vars(module).values()
    if inspect.isclass(one) and one.__module__ == module.__name__ and hasattr(one, "items")
]


def methods(protocol):
    return [
        name for name, one in vars(protocol).items() if inspect.isfunction(one) and name[0] != "_"
    ]


def test_the_tasks_are_found():
    assert {ReplyRetrieval, NewDomain} < {*TASKS} and len(TASKS) == 9


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_a_corpus_and_takes_what_the_protocol_says(task):
    assert "corpus" in {field.name for field in dataclasses.fields(task)}
    asked = [Task] if task in (ReplyRetrieval, NewDomain) else [Task, Trainable]
    for protocol in asked:
        for name in methods(protocol):
            assert callable(getattr(task, name)), name
    items, encode = (inspect.signature(getattr(task, name)) for name in ("items", "encode"))
    items.bind(None, "train")
    encode.bind(None, [], None)
    if Trainable in asked:
        inspect.signature(task.build_model).bind(None, "minilm", pretrained=True, seed=0)
        inspect.signature(task.collator).bind(None, None)
