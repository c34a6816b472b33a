"""The words of advice: what a user writes differs between the command line and a notebook.

The readers refuse a file in the same way wherever it was named; what is to be written then is an
option (``--text``), a parameter (``text_column``), or, where a notebook has no such parameter, a
name in the file itself.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """How a user names things; each holds what goes into the middle of a sentence.

    Attributes:
        text: how a column of texts is named, from a list of those that there are.
        label: likewise of classes.
        several: how several columns of texts are read: ``{columns}`` stands for their names.
        classes: how another column of classes is named, as a sentence.
    """

    text: str
    label: str
    several: str
    classes: str


PARAMETERS = Door(
    "set text_column to one of them",
    "set label_column to one of them, or None for texts without labels",
    "read both with text_column '{columns}'",
    "Set label_column to the column of classes",
)
NOTEBOOK = Door(
    "set text_column to one of them",
    "set label_column to one of them",
    "read both with text_column '{columns}'",
    "Set label_column to the column of classes",
)
FILE = Door(
    "name the column of texts 'text' in the file",
    "name the column of classes 'label' in the file",
    "join both into one column 'text' in the file",
    "Name the column of classes 'label' in the file",
)
COMMAND_LINE = Door(
    "name one of them with --text",
    "name one of them with --label",
    "read both with --text {columns}",
    "Name the column of classes with --label",
)

_COMMANDED = "TRANSFER_DOOR"  # set: a kernel's user stands at the command line
_entered = [PARAMETERS]


def door() -> Door:
    """Return the door through which the user came in.

    >>> with through(COMMAND_LINE):
    ...     door().text
    'name one of them with --text'
    """
    return _entered[-1]


def enter(which: Door) -> None:
    """Take a door for the rest of this process, as the kernel of a notebook does.

    A kernel that a command started for a file of its own has the command's door.
    """
    _entered[:] = [COMMAND_LINE if os.environ.get(_COMMANDED) else which]


@contextmanager
def through(which: Door, *, kernels: bool = False) -> Iterator[None]:
    """Take a door for a while, with ``kernels`` also for the kernels started meanwhile."""
    _entered.append(which)
    if kernels:
        os.environ[_COMMANDED] = "1"
    try:
        yield
    finally:
        _entered.pop()
        if kernels:
            os.environ.pop(_COMMANDED, None)
