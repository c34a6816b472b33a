"""What a task is: a corpus whose items can be listed and encoded, and mostly also trained on."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Task(Protocol):
    """A corpus as a task, which is all that a trial's inputs are made of.

    Every class here fulfils it, and a test checks that.
    """

    @property
    def corpus(self) -> Any:
        """Texts with fixed splits, a ``name`` and a ``fingerprint``."""

    def items(self, split: str) -> Any:
        """Return the items of a split as a data set, columns by name; (n,) of them."""

    def encode(self, items: Any, tokenizer: Any) -> Any:
        """Return rows of token ids, unpadded, mostly with ``labels``."""


@runtime_checkable
class Trainable(Task, Protocol):
    """A task with what training in a notebook needs besides.

    All but :class:`helpers.tasks.retrieval.ReplyRetrieval`, which is trained by pairs and scored by
    ranks, and :class:`helpers.tasks.new_domain.NewDomain`, whose model and collator are those of
    :class:`helpers.tasks.language_modeling.LanguageModeling`.
    """

    def collator(self, tokenizer: Any) -> Any:
        """Return what pads a list of encoded rows into a batch."""

    def build_model(self, name: str, *, pretrained: bool, seed: int) -> Any:
        """Return a model by catalogue name, folder or hub id, with ``loss`` and ``logits``."""

    def score(self, *said: Any) -> dict[str, float]:
        """Return measures, higher is better, of what was said of the items."""
