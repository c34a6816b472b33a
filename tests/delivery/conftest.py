"""What most tests of a delivery begin with."""

import numpy as np
import pytest

from tests.delivery import made


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """The folder of a tiny BERT."""
    return made.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def labelled():
    """Texts and their classes, (n,)."""
    texts, names = made.rows(60)
    return texts, np.array([made.NAMES.index(name) for name in names])
