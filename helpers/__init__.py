"""Helpers of the notebooks: one room (subpackage) per step from texts to report.

Two towers meet in the notebooks and in the front doors (``commands``). What is measured:
``sources`` -> ``tasks`` -> ``baselines`` -> ``training`` -> ``transfer`` -> ``compression`` ->
``trials`` -> ``delivery``. What is made of it: ``claims`` -> ``runs`` -> ``show`` -> ``report``.
Both stand on ``evaluation``, which works on arrays and calls none of them, and on ``base``.
Importing this package is cheap: nothing heavy is loaded until a module that needs it is.
"""

import difflib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

# Must stand in the environment before torch is loaded: threads that spin while they wait take the
# cores from whatever else runs: beside two busy processes a training step took 9 times as long, and
# one of a tiny model 180 times. Waiting asleep cures it, and makes small steps 1.8 times slower on
# an idle machine; a short spin before the sleep does not.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

ROOT = Path(__file__).resolve().parent.parent
"""The project's root; every default path starts here, never at the working directory."""


class UserError(Exception):
    """A mistake that the user can mend, told in one sentence: what, where, what would be right.

    The command line prints the sentence alone; Jupyter shows it without a traceback.

    What it quotes may come from anywhere: characters that act on a terminal are written out.

    >>> str(UserError("labels must be at least 2, not 1."))
    'labels must be at least 2, not 1.'
    """

    def __init__(self, message: str) -> None:
        """Take the sentence."""
        super().__init__(visible(message))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


# Besides control characters: direction marks and overrides, line and paragraph separators, and
# what is invisible at the start of files. (Joiners stay: scripts and emoji need them.)
_ACTING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_ACTING |= {0x2028, 0x2029, 0xFEFF, 0x200B}


def visible(text: str) -> str:
    r"""Return text with every character that acts, but line breaks, as its code point.

    >>> print(visible("red \x1b[31m, reversed \u202egnp.exe"))
    red <U+001B>[31m, reversed <U+202E>gnp.exe
    """
    return "".join(
        f"<U+{ord(c):04X}>"
        if c != "\n" and (ord(c) in _ACTING or unicodedata.category(c) in ("Cc", "Cs"))
        else c
        for c in text
    )


_MEANT = {"gpu": "cuda", "nvidia": "cuda", "apple": "mps", "metal": "mps", "processor": "cpu"}
"""What people call a device; by its letters alone, a GPU would be near a CPU."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint " Did you mean …?" for a mistyped name, or the known names.

    >>> nearest("minlm", ["minilm", "gpt2-mini"])
    " Did you mean 'minilm'?"
    >>> nearest("gpu", ["cpu", "cuda"])
    " Did you mean 'cuda'?"
    >>> nearest("zzz", ["minilm", "gpt2-mini"])
    ' Known: gpt2-mini, minilm.'
    """
    known = sorted(known)
    close = [word for word in known if word == _MEANT.get(name.lower())]
    close = close or difflib.get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else f" Known: {', '.join(known)}."
