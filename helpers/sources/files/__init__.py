"""The formats of a user's files: each module here is one, and is found by being here.

A new format is one module with a constant ``FORMAT`` (:class:`helpers.sources.rows.Format`): the
endings of its files' names, and a function from path and bytes to rows. Packed files
(:mod:`helpers.sources.packing`) are unpacked before that.
"""

import functools
import importlib
import pkgutil

from helpers.sources.rows import Format


@functools.cache
def formats() -> dict[str, Format]:
    """Return the formats by the endings of their files, the modules in alphabetical order.

    >>> sorted(ending for ending in formats() if "json" in ending)
    ['.json', '.jsonl', '.ndjson']
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{module}").FORMAT for module in modules]
    return {ending: each for each in found for ending in each.endings}
