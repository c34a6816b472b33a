"""Settings of all tests: threads, what nbval does not compare, how hypothesis runs."""

import os

import hypothesis

from helpers.base.determinism import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # nbval's kernels inherit it

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")


def pytest_collectstart(collector):
    """Leave warnings out of the comparison of notebooks: their text is other packages' affair."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
