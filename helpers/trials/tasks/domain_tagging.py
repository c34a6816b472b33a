"""Trials of names in one domain of a newspaper: a tagger of everything else, tuned on it or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers import UserError
from helpers.trials.tasks.base import SPLITS, Material, Setup, by_root
from helpers.trials.tasks.tagging import RATES, Tagging

if TYPE_CHECKING:
    from datasets import Dataset

    from helpers.sources.corpora import Corpus
    from helpers.tasks.base import Task
    from helpers.trials.tasks.base import Arm

GENERAL_LABELS = 2000
"""Labelled sentences of the general tagger."""

TEST, VALIDATION = 1 / 3, 0.07
"""Of the articles of a domain, the last third is the test and what is before it the validation. The
newspaper's own cut leaves a domain of a tenth of its articles too few of them to judge by."""

_SHARES = (5, 15)
_GENERAL: Mapping[str, Any] = {"general_labels": GENERAL_LABELS}


class DomainTagging(Tagging):
    """Names in the sentences of a domain; items, and arms on its labels alone, as of tagging.

    A corpus "peoples-daily:abroad" is the newspaper before the colon; its domain are the reports
    from abroad (:func:`helpers.sources.datelines.from_abroad`), and *general* is all the rest. The
    paper is cut by date where :func:`recut` says, so that nothing is older than what was learned.
    ``labels`` counts sentences of the domain; beside them an arm that sees the rest has
    :data:`GENERAL_LABELS` of it. All settings are chosen on validation sentences of the domain.
    """

    name = "domain_tagging"
    protocol = 1
    setups: ClassVar = {
        name: Tagging.setups[name] for name in ("untrained", "linear", "fine_tuned")
    } | {
        "general": Setup(
            lambda labels, rates: by_root(*_SHARES)(GENERAL_LABELS, rates), RATES, adds=_GENERAL
        ),
        "pooled": Setup(
            lambda labels, rates: by_root(*_SHARES)(GENERAL_LABELS + labels, rates),
            RATES,
            adds=_GENERAL,
        ),
        "general_then_domain": Setup(
            by_root(*_SHARES), RATES, adds=_GENERAL, starts_from=("general",)
        ),
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does; "fine_tuned" is tuned on the domain alone."""
        from helpers.trials import domain_tagging

        plain = {name: arm for name, arm in super().arms().items() if name in self.setups}
        return plain | {
            "general": domain_tagging.general,
            "pooled": domain_tagging.pooled,
            "general_then_domain": domain_tagging.general_then_domain,
        }

    def load(self, corpus: str, max_length: int) -> Task:
        """Return all articles as a task, those of the rest among them.

        Raises:
            UserError: a domain that is not known, or has fewer than three articles.
        """
        from helpers.sources import corpora
        from helpers.tasks.tagging import TokenTagging
        from helpers.tasks.tags import DEFAULT

        name, _, domain = corpus.rpartition(":")
        if domain != "abroad":
            raise UserError(
                f"The domain of {corpus} is not known: write CORPUS:abroad, reports from abroad."
            )
        whole = corpora.load_texts(name, text_column="tagged", label_column=None)
        return TokenTagging(recut(whole), DEFAULT, max_length)

    def sizes(self, corpus: str, task: Any) -> dict[str, int]:
        """Return how many sentences of the domain each split has.

        Raises:
            UserError: a split has none.
        """
        sizes = {split: int(in_domain(task, split).sum()) for split in SPLITS}
        for split, n in sizes.items():
            if not n:
                raise UserError(
                    f"{corpus}: no article of the {split} split has a dateline from abroad "
                    "(本报巴黎１月３日电), so there is no such domain."
                )
        return sizes

    def chosen(self, task: Any, split: str) -> Dataset:
        """Return the sentences of the domain."""
        return task.items(split).select(np.flatnonzero(in_domain(task, split)))

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the names of the tags, and of the rest its training sentences, as "general"."""
        rest = given.task.items("train").select(np.flatnonzero(~in_domain(given.task, "train")))
        arrays = self.sentences(given, rest)
        return super().beside(given) | {f"general.{what}": each for what, each in arrays.items()}


def recut(corpus: Corpus) -> Corpus:
    """Return a newspaper cut anew, in its order, so that its domain has enough test articles.

    Raises:
        UserError: a domain of fewer than three articles.
    """
    from helpers.sources import corpora

    articles = [text for split in SPLITS for text in corpus.splits[split]["text"][:]]
    places = np.flatnonzero(_abroad(articles))
    if len(places) < len(SPLITS):
        raise UserError(
            f"{corpus.name} has {len(places)} articles with a dateline from abroad "
            "(本报巴黎１月３日电): a domain needs three at least, and some hundred to be judged by."
        )
    n_test, n_validation = (max(1, round(share * len(places))) for share in (TEST, VALIDATION))
    validation, test = places[-n_test - n_validation], places[-n_test]
    sizes = (validation, test - validation, len(articles) - test)
    published = [split for split, n in zip(SPLITS, sizes, strict=True) for _ in range(n)]
    found = corpora.from_rows(corpus.name, articles, None, published)
    return replace(found, citation=corpus.citation, licence=corpus.licence)


def in_domain(task: Any, split: str) -> np.ndarray:
    """Return of each sentence of a split whether its article is a report from abroad, (n,)."""
    number = [int(name.rsplit(" ", 1)[1]) - 1 for name in task.items(split)["article"][:]]
    found: np.ndarray = _abroad(task.corpus.splits[split]["text"][:])[number]
    return found


def _abroad(articles: Sequence[str]) -> np.ndarray:
    """Return of each tagged article whether it is a report from abroad, (n,)."""
    from helpers.sources.datelines import from_abroad
    from helpers.sources.formats import untagged

    plain = ("\n".join(map(untagged, article.split("\n"))) for article in articles)
    return np.array([from_abroad(article) for article in plain], dtype=bool)
