"""A limit of time that is kept, and lines that say how much of it is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from helpers import UserError, visible


def second_time(work: Callable[[], object]) -> float:
    """Return the seconds that work takes when it is done again: the first time takes longer.

    >>> done = []
    >>> second_time(lambda: done.append(1)) >= 0, len(done)
    (True, 2)
    """
    work()
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _silent(line: str) -> None:
    """Say nothing."""


@dataclass
class Clock:
    """Counts from when it was made.

    Attributes:
        minutes: the limit, above 0.
        say: takes a line of progress.
        started: seconds of the monotonic clock.

    Raises:
        UserError: a limit that is no time.

    >>> clock = Clock(10, say=print)
    >>> clock.tell("Reading")
    [  0 s, 600 s left] Reading
    >>> 599 < clock.left <= 600
    True
    """

    minutes: float
    say: Callable[[str], None] = _silent
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Check the limit."""
        if not self.minutes > 0:
            raise UserError(f"minutes must be above 0, not {self.minutes:g}.")

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the limit; below 0 behind it."""
        return 60 * self.minutes - self.spent

    def tell(self, text: str) -> None:
        """Say what is being done, with the time spent and left."""
        self.say(f"[{self.spent:3.0f} s, {max(0.0, self.left):3.0f} s left] {visible(text)}")
