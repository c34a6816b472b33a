"""Settings of all tests: threads, what nbval does not compare, how hypothesis runs."""

import os

import hypothesis

from helpers import ROOT
from helpers.base.determinism import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # nbval's kernels inherit it

LONG = {
    ROOT / "notebooks" / "solutions" / f"{name}.ipynb"
    for name in ("13_compression", "16_your_data")
}
"""Notebooks that take minutes."""

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")


def pytest_collectstart(collector):
    """Leave out of the comparison of notebooks what is other packages' affair.

    These are the text of warnings, and how a picture is written (nbval leaves out PNG by itself);
    what a picture shows is compared through its alternative text.
    """
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr", "image/svg+xml")


def pytest_collection_modifyitems(items):
    """Begin with the files of slow tests, and with the longest notebooks.

    Two workers take the files in this order, and one that begins a long file last keeps the other
    waiting. (The many small files of doctests are the last in any case.)
    """
    first = LONG | {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in first)
