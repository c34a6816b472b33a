r"""Dialogue as a task: a causal model reads a question and writes the reply.

A pair of question and reply is a row like a pair of sentences in
:mod:`helpers.tasks.translation`: boundary, question, line break, reply, boundary; the reply and the
boundary after it are predicted. So the five methods are that task's; what differs is the score,
since a good reply is not one fixed text. BERT has no autoregressive decoder: it sees the words that
it would have to write, and can only rank replies (:mod:`helpers.tasks.retrieval`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources.dialogues import DialogueCorpus
from helpers.sources.duplicates import words
from helpers.tasks.row_losses import row_losses
from helpers.tasks.translation import Translation, translate


@dataclass(frozen=True)
class Dialogue(Translation):
    """Pairs of question and reply as a task; ``max_length`` tokens of a row, boundaries included.

    Attributes:
        corpus: pairs with fixed splits, see :func:`helpers.sources.dialogues.load_dialogues`.
    """

    corpus: DialogueCorpus  # type: ignore[assignment]

    def score(self, replies: Sequence[str], items: Dataset) -> dict[str, float]:
        """Return ``distinct_1``, ``distinct_2``, ``words``, ``repetition`` and ``different``.

        See :func:`diversity`; ``items`` must be as many as the replies.

        Raises:
            UserError: not one reply for each item.
        """
        if len(replies) != len(items):
            raise UserError(f"There are {len(replies)} replies to {len(items)} questions.")
        return diversity(replies)


def diversity(replies: Sequence[str]) -> dict[str, float]:
    r"""Return how varied replies are.

    ``distinct_1`` and ``distinct_2``: different words (pairs of neighbouring words) over all words
    (pairs), in [0, 1]; nan without any. ``words``: mean words of a reply. ``repetition``: of each
    reply the share of its words that it had before, in [0, 1), averaged. ``different``: different
    replies over replies. Distinct-n shrinks as text grows: compare equal counts of replies only.
    Source: Li et al. 2016, A Diversity-Promoting Objective Function for Neural Conversation Models.

    >>> found = diversity(["yes yes", "no"])
    >>> {name: round(value, 2) for name, value in found.items()}
    {'distinct_1': 0.67, 'distinct_2': 1.0, 'words': 1.5, 'repetition': 0.25, 'different': 1.0}
    """
    if not replies:
        raise UserError("There is no reply to score.")
    each = [words(reply) if reply.strip() else [] for reply in replies]
    found: dict[str, float] = {}
    for n in (1, 2):
        runs = [tuple(text[i : i + n]) for text in each for i in range(len(text) - n + 1)]
        found[f"distinct_{n}"] = len(set(runs)) / len(runs) if runs else float("nan")
    found["words"] = float(np.mean([len(text) for text in each]))
    found["repetition"] = float(
        np.mean([1 - len(set(text)) / len(text) if text else 0.0 for text in each])
    )
    found["different"] = len(set(map(tuple, each))) / len(each)
    return found


@torch.inference_mode()
def reply_losses(
    model: PreTrainedModel, encoded: Dataset, collator: Any, batch_size: int = 32
) -> npt.NDArray[np.float64]:
    """Return of each row the nats of its reply and how many tokens that is, (n, 2).

    Perplexity is exp(sum of nats / sum of tokens): :func:`perplexity`. ``encoded`` is what
    :meth:`Dialogue.encode` gives; the model computes where it lies.
    """
    model.eval()
    found = np.zeros((len(encoded), 2))
    for start in range(0, len(encoded), batch_size):
        chosen = slice(start, min(start + batch_size, len(encoded)))
        batch = collator(encoded.select(range(chosen.start, chosen.stop)).to_list())
        batch = batch.to(model.device)
        labels = batch.pop("labels")
        nats, tokens = row_losses(model(**batch).logits, labels, shift=True)
        found[chosen, 0] = nats.cpu().numpy()
        found[chosen, 1] = tokens.cpu().numpy()
    return found


def perplexity(means: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return exp(nats / tokens) from sums or means of :func:`reply_losses`, (..., 2) to (...).

    At least 1; a ``statistic`` for a bootstrap.

    >>> perplexity([[2.0, 1.0], [0.0, 3.0]]).round(2).tolist()
    [7.39, 1.0]
    """
    nats, tokens = np.moveaxis(np.asarray(means, dtype=float), -1, 0)
    return np.exp(nats / tokens)


def reply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[str],
    *,
    max_new_tokens: int = 40,
) -> list[str]:
    """Return what the model answers to each question, the likeliest token each time (greedy).

    Raises:
        UserError: as :func:`helpers.tasks.translation.translate`.
    """
    return translate(model, tokenizer, questions, max_new_tokens=max_new_tokens)
