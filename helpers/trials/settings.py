"""Settings found before trials exist: ``data/settings.yaml``, and the grids that are searched.

Each arm gets a search of like size on each corpus and label count, on the draw
:data:`helpers.sources.sampling.TUNING` (never scored) and on validation items: six settings. All
scores are kept in the file. What holds for all arms is settled here too: no dropout, bfloat16
products, batches of equally many tokens (measured on validation items, see
``data/trials/README.md``).
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from helpers import ROOT, UserError
from helpers.base.files import write_atomically
from helpers.trials.trial import BY_STRATEGY

FILE = ROOT / "data" / "settings.yaml"

NETWORK = {"batch_tokens": 1024, "dropout": 0.0, "precision": "bfloat16"}
"""Of every network that is trained; matrix products in bfloat16, parameters in 32 bits."""

HEADS = (0.1, 10.0)
"""Inverse penalties of the first of two phases. The second learns little from a head that is sure
of every labelled text already: with 64 labels of R8 (tuning draw, `minilm`) the loss on them is
0.048 nats with the first penalty and 0.001 with the second."""
WRITER = {"batch_tokens": 512, "max_new_tokens": 96}
"""Of every network that writes: about 15 pairs a step, and how long a text may get, in tokens."""

HEADER = """\
# Settings of all arms, found on a tuning draw and validation items before any test item was scored
# (`python -m helpers trials STUDY --search`). Each entry keeps every setting that was tried with
# its validation score; `edge` names what was chosen at the end of its grid.
"""


ON_VECTORS = ("source_only", "target_only", "pooled", "coral", "importance", "self_training")
"""Arms that are one linear model on frozen vectors: only its penalty is to be chosen."""

BATCH_TOKENS = {"language_modeling": 512}
"""Tokens of a step where a task has not those of :data:`NETWORK`."""

BATCH_PAIRS = 32
"""Pairs of a step of a bi-encoder: each context has so many candidates in training."""

LANGUAGE_STEPS = {"from_scratch": 80}
"""Steps of a language model; every other arm has 40, so that they cost alike."""

TWO_PHASE = {"preliminary": 0.5, "refined": 1 / 3}
"""Share of the cost of the first of two phases, and the second's rate as a share of the first's."""

WEIGHTS = (0.25, 1.0, 4.0, 16.0)
"""λ of a joint objective, those that are tried; its ends are arms of their own."""


GRIDS = {
    ("tagging", "frozen"): "frozen_tagger",
    ("retrieval", "fine_tuned"): "ranker",
    ("retrieval", "from_scratch"): "ranker",
    ("retrieval", "frozen"): "",
    ("translation", "fine_tuned"): "writer",
    ("translation", "from_scratch"): "writer",
}
"""Grids of settings that another arm of that name does not have, by task and arm."""


def grid(
    arm: str, labels: int, rates: Sequence[float], task: str = "classification"
) -> list[dict[str, Any]]:
    """Return the settings that are tried for an arm with so many labels: six.

    Of a language model three learning rates, for each λ where there is one: its steps are fixed, so
    that all arms cost alike.

    ``rates`` are the numbers that the study names for the arm: learning rates, or penalties.

    Steps grow with the root of the labels; from scratch needs about four times as many as a
    pretrained network (its training loss is then at 0, see the stored curves). A student starts
    from a network that is fine-tuned already and gets half of its steps.

    A bi-encoder (``arm`` "ranker") goes over its pairs once or twice.

    >>> [each["steps"] for each in grid("fine_tuned", 64, (1e-4, 3e-4, 1e-3))]
    [40, 120, 40, 120, 40, 120]
    """
    if task == "language_modeling" and rates:
        steps = LANGUAGE_STEPS.get(arm, 40)
        weights = [{"weight": weight} for weight in WEIGHTS] if arm == "joint" else [{}]
        return [
            {"learning_rate": rate, "steps": steps} | weight for weight in weights for rate in rates
        ]
    if arm == "unigram":
        return [{"smoothing": pseudo} for pseudo in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)]
    if arm == "two_phase":  # as long as one phase at most is: the comparison is at equal cost
        steps = round(15 * math.sqrt(labels))
        return [
            {"learning_rate": rate, "steps": steps, "regularization": c}
            for rate in rates
            for c in HEADS
        ]
    if arm in ("fine_tuned", "from_scratch", "frozen_tagger", *BY_STRATEGY):
        root = math.sqrt(labels)
        scratch = arm == "from_scratch"
        lengths = [20 * root, 20 * root + 320] if scratch else [5 * root, 15 * root]
        return [
            {"learning_rate": rate, "steps": round(steps)} for rate in rates for steps in lengths
        ]
    if arm == "distilled":
        root = math.sqrt(labels)
        return [
            {"learning_rate": rate, "steps": round(steps)}
            for rate in rates
            for steps in (2.5 * root, 7.5 * root)
        ]
    if arm == "writer":  # pretrained or not: equal cost
        return [{"learning_rate": rate, "steps": steps} for rate in rates for steps in (200, 400)]
    if arm in ("tfidf", "tfidf_whole", "frozen"):
        return [{"regularization": c} for c in (0.3, 3.0, 30.0, 300.0, 3e3, 3e4)]
    if arm in ("reptile", "fomaml", "anil", "prototypical"):
        return [{"rate": rate, "tasks": n} for rate in rates for n in (300, 1000)]
    if task == "domains" and arm == "joint":
        return [
            {"weight": weight, "regularization": c} for weight in (1.0, 5.0, 25.0) for c in rates
        ]
    if arm in (*ON_VECTORS, "fresh_head"):
        return [{"regularization": c} for c in rates]
    if arm == "ranker":
        once = max(1, labels // BATCH_PAIRS)
        return [{"learning_rate": rate, "steps": n * once} for rate in rates for n in (1, 2)]
    if arm == "bm25":
        return [{"k1": k1, "b": b} for k1 in (0.6, 1.2, 2.0) for b in (0.25, 0.75)]
    if arm == "linear":
        return [{"strength": s} for s in (1e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4)]
    if arm == "dictionary":
        return [{"least": share} for share in (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)]
    if arm == "glossary":
        return [{"least": share} for share in (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)]
    if arm == "memory":
        return [{"longest": n} for n in (2, 3, 4, 5, 6, 8)]
    return []


@functools.lru_cache(maxsize=8)
def _read(file: Path, stamp: tuple[int, int]) -> dict[str, Any]:
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - safe
        if not all(one.keys() >= _FIELDS for one in found["found"]):
            raise KeyError
        return {
            "corpora": dict(found["corpora"]),
            "models": dict(found["models"]),
            "found": list(found["found"]),
        }
    except (yaml.YAMLError, OSError, TypeError, KeyError, ValueError, AttributeError):
        raise UserError(f"{file} is no file of settings: restore it from git.") from None


_FIELDS = {"task", "corpus", "model", "arm", "labels", "setting"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_settings(file: Path = FILE) -> dict[str, Any]:
    """Return the file: ``corpora`` and ``models`` (what was read), ``found`` (the entries).

    Raises:
        UserError: a file that holds something else.
    """
    if not file.exists():
        return {"corpora": {}, "models": {}, "found": []}
    facts = file.stat()
    return _read(file, (facts.st_size, facts.st_mtime_ns))


def setting_for(
    task: str, corpus: str, model: str, arm: str, labels: int, file: Path = FILE
) -> dict[str, Any]:
    """Return the setting of an arm: found for this label count, or for the nearest one.

    Where nothing was found on this corpus and model, that of the nearest label count on any corpus
    of the task is taken: a beginning, which a search would better.

    Raises:
        UserError: the arm was searched nowhere.
    """
    entries = [
        one for one in read_settings(file)["found"] if (one["task"], one["arm"]) == (task, arm)
    ]
    same = [one for one in entries if (one["corpus"], one["model"]) == (corpus, model)]
    if not entries:
        raise UserError(
            f"No setting of the arm '{arm}' of {task} has been found yet: run "
            "`python -m helpers trials STUDY --search` with a study that has it."
        )
    nearest = min(
        same or entries,
        key=lambda one: (abs(math.log(one["labels"] / labels)), one["corpus"], one["model"]),
    )
    return dict(nearest["setting"])


def choose(tried: Sequence[tuple[Mapping[str, Any], float]]) -> tuple[dict[str, Any], list[str]]:
    """Return the best setting by validation score, and what of it lies on the edge of its grid.

    Of equal ones the cheaper, that is the earlier with fewest steps.

    >>> choose([({"steps": 40, "rate": 1}, 0.8), ({"steps": 80, "rate": 1}, 0.9)])
    ({'steps': 80, 'rate': 1}, ['steps'])
    """
    best = dict(max(tried, key=lambda pair: (pair[1], -pair[0].get("steps", 0)))[0])
    edge = []
    for name, value in best.items():
        values = {one[name] for one, _ in tried}
        if len(values) > 1 and value in (min(values), max(values)):
            edge.append(name)
    return best, edge


def save_found(entries: Sequence[dict[str, Any]], facts: Mapping[str, Any], file: Path) -> None:
    """Put new entries in place of earlier ones of the same arm, corpus, model and label count."""
    kept = read_settings(file)
    marks = ("task", "corpus", "model", "arm", "labels")
    new = {tuple(str(one[mark]) for mark in marks): one for one in entries}
    old = {tuple(str(one[mark]) for mark in marks): one for one in kept["found"]}
    sort_by = {key: (*key[:4], int(key[4])) for key in old | new}
    whole = {
        "corpora": kept["corpora"] | dict(facts["corpora"]),
        "models": kept["models"] | dict(facts["models"]),
        "found": [(old | new)[key] for key in sorted(sort_by, key=sort_by.__getitem__)],
    }
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
    write_atomically(file, HEADER + text)


def found_for(task: str, corpus: str, model: str, file: Path = FILE) -> list[dict[str, Any]]:
    """Return the entries of one corpus and model, by arm and label count; none where none are.

    >>> found_for("classification", "nowhere", "minilm")
    []
    """
    marks = (task, corpus, model)
    return [
        dict(one)
        for one in read_settings(file)["found"]
        if (one["task"], one["corpus"], one["model"]) == marks
    ]


def table(task: str, corpus: str, model: str, labels: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was found for some label counts, as rows for a reader."""
    return [
        {
            "arm": one["arm"],
            "labels": one["labels"],
            "setting": ", ".join(
                f"{name.replace('_', ' ')} {value:g}" for name, value in one["setting"].items()
            ),
            "validation score": one["score"],
            "items": one["validation_items"],
            "at the edge of its grid": ", ".join(one["edge"]).replace("_", " ") or "no",
        }
        for one in found_for(task, corpus, model)
        if one["labels"] in labels
    ]
