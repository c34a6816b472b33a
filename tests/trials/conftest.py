"""What all tests of trials share: one tiny BERT in a folder, with its tokenizer."""

import pytest

from tests.trials import tiny


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    return tiny.write_model(tmp_path_factory.mktemp("bert"))
