"""Arms by kind (of a study, of seconds, without a setting), and the rates that are tried."""

from helpers.trials import vectors

TEXT_ARMS = ("majority", "tfidf", "tfidf_whole", "frozen", "fine_tuned", "from_scratch")
TAG_ARMS = ("dictionary", "linear", "untrained", "frozen", "fine_tuned", "from_scratch")
LANGUAGE_ARMS = (
    "unigram", "untuned", "fine_tuned", "source_continued", "joint", "two_phase", "from_scratch",
)  # fmt: skip
RANKERS = ("random", "bm25", "frozen", "fine_tuned")
TRANSLATION_ARMS = ("copy", "glossary", "memory", "fine_tuned", "from_scratch")
ONE_SHOT = ("uncompressed", "int8", "pruned_50", "pruned_80", "three_layers")
CHEAP = (
    "majority", "tfidf", "tfidf_whole", "frozen", "dictionary", "linear", "untrained", "unigram",
    "untuned", "random", "bm25", "copy", "glossary", "memory", *ONE_SHOT, *vectors.ONLY_HERE,
)  # fmt: skip
"""Arms of which a trial takes seconds (of compressed ones, once the network is there)."""

UNSEARCHED = (
    "majority", "untrained", "untuned", "random", "copy", "constant", "nearest_mean", *ONE_SHOT,
    "small",
)  # fmt: skip
"""Arms that have nothing of their own to choose in any task."""


def searched(task: str, arm: str) -> bool:
    """Tell whether an arm has a setting; a bi-encoder that is only read has none.

    >>> searched("classification", "frozen"), searched("retrieval", "frozen")
    (True, False)
    """
    return arm not in UNSEARCHED and (task, arm) != ("retrieval", "frozen")


RATES: dict[str, tuple[float, ...]] = {
    "fine_tuned": (1e-4, 3e-4, 1e-3),
    "from_scratch": (1e-4, 3e-4, 1e-3),
    "frozen": (3e-3, 1e-2, 3e-2),
    "distilled": (1e-4, 3e-4, 1e-3),
    "two_phase": (1e-4, 3e-4, 1e-3),
    "top_layer": (3e-4, 1e-3, 3e-3),
    "lora": (3e-4, 1e-3, 3e-3),
    "adapter": (3e-4, 1e-3, 3e-3),
    "bitfit": (1e-3, 3e-3, 1e-2),
    "discriminative_rates": (3e-4, 1e-3, 3e-3),
    "mixout": (1e-4, 3e-4, 1e-3),
}
"""Learning rates that are tried, by arm: higher ones where few parameters learn."""

RATES_OF_SMALL = RATES | dict.fromkeys(("fine_tuned", "from_scratch"), (3e-4, 1e-3, 3e-3))
"""Of networks a tenth as large, which learn at higher rates: 1e-3 was best on the edge of RATES."""

RATES_OF_RANKERS = {"fine_tuned": (2e-5, 1e-4, 5e-4), "from_scratch": (1e-4, 5e-4, 2e-3)}
"""Of bi-encoders: what was pretrained for this very task should move little; far apart, so that the
best is not at an end."""
