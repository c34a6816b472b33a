"""A trial: one model made and scored on a fixed set of items, and everything that decides how."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from helpers import UserError, nearest

PROTOCOLS = {
    "classification": 1,
    "tagging": 1,
    "domains": 1,
    "episodes": 1,
    "translation": 1,
    "language_modeling": 1,
    "retrieval": 1,
}
"""Raised by hand where the meaning of a task's training or scoring changes (a test asks for it)."""

BY_STRATEGY = (
    "two_phase",
    "top_layer",
    "lora",
    "adapter",
    "bitfit",
    "discriminative_rates",
    "mixout",
)
"""Arms that fine-tune in another way than all parameters at once with one learning rate: one of
each family, those that decide a claim or cost least first."""

WATCHED = 128
"""So many validation and training items, at most, are looked at along a training."""

SPLITS = ("validation", "test", "source_validation")
"""What may be scored; of two domains "validation" and "test" are the target's."""


@dataclass(frozen=True)
class Trial:
    """One thing trained, or only read, and scored; two trials with equal fields are the same one.

    Device and versions are not among them: they are an outcome's origin.

    Attributes:
        task: a key of :data:`PROTOCOLS`.
        corpus: name of the texts.
        corpus_hash: their fingerprint, all splits.
        arm: what is done with the labels, a key of :data:`helpers.trials.arms.ARMS`.
        labels: labelled items that it sees.
        draw: which of them, :func:`helpers.sources.sampling.draw_order`, and all random weights.
        items: scored items, all of the split.
        split: that is scored.
        model: name of the weights (":2" behind it: their first layers), "" where there are none.
        model_hash: their fingerprint.
        setting: what else decides the outcome: learning rate, steps, tokens a batch, dropout,
            precision, tokens of a text, penalty; sorted pairs.
        protocol: of the task when the trial was defined.
    """

    task: str
    corpus: str
    corpus_hash: str
    arm: str
    labels: int
    draw: int
    items: int
    split: str = "test"
    model: str = ""
    model_hash: str = ""
    setting: tuple[tuple[str, Any], ...] = ()
    protocol: int = field(default=0)

    def __post_init__(self) -> None:
        """Sort the setting, take the task's protocol, refuse what cannot be run."""
        if self.task not in PROTOCOLS:
            raise UserError(f"There is no task '{self.task}'.{nearest(self.task, PROTOCOLS)}")
        if self.split not in SPLITS:
            raise UserError(f"A trial is scored on {', '.join(SPLITS)} items, not '{self.split}'.")
        if self.labels < 1 or self.items < 1:
            raise UserError(
                f"A trial needs at least 1 labelled and 1 scored item, not {self.labels} and "
                f"{self.items}."
            )
        pairs = sorted((key, _plain(value)) for key, value in dict(self.setting).items())
        object.__setattr__(self, "setting", tuple(pairs))
        for name in ("labels", "draw", "items"):
            object.__setattr__(self, name, int(getattr(self, name)))
        if not self.protocol:
            object.__setattr__(self, "protocol", PROTOCOLS[self.task])

    @property
    def key(self) -> str:
        """The trial's name in a store: 32 hexadecimal digits of the SHA-256 of its fields.

        >>> Trial("classification", "reuters-r8", "0" * 64, "majority", 64, 0, 2189).key[:8]
        '5e56e070'
        """
        return hashlib.sha256(self.json().encode()).hexdigest()[:32]

    @property
    def options(self) -> dict[str, Any]:
        """The setting as a dictionary."""
        return dict(self.setting)

    @property
    def label(self) -> str:
        """The trial in a few words, for progress and messages."""
        model = f" {self.model}" if self.model else ""
        return f"{self.corpus}{model} {self.arm}, {self.labels:,} labels, draw {self.draw}"

    def json(self) -> str:
        """Return the fields as canonical JSON; :func:`from_json` reads it."""
        fields = asdict(self) | {"setting": self.options}
        return json.dumps(fields, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a number of numpy's as Python's own."""
    return value.item() if hasattr(value, "item") else value


def from_json(text: str) -> Trial:
    """Return the trial that :meth:`Trial.json` wrote, whatever its protocol.

    Raises:
        UserError: no trial.

    >>> trial = Trial("classification", "mine", "0" * 64, "majority", 64, 0, 100)
    >>> from_json(trial.json()) == trial
    True
    """
    try:
        fields = json.loads(text)
        setting: Mapping[str, Any] = fields.pop("setting")
        return Trial(**fields, setting=tuple(setting.items()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"This is no trial: {str(error).splitlines()[0]}.") from None
