"""Plain values are read; what is wrong with a file is one sentence."""

import pytest

from helpers import UserError
from helpers.base.yaml_files import load_yaml


def test_plain_values_are_read(tmp_path):
    (tmp_path / "a.yaml").write_text("a: [1, 2.5]\nb: {c: text}\n")
    assert load_yaml(tmp_path / "a.yaml") == {"a": [1, 2.5], "b": {"c": "text"}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: 1\na: 2\n", "'a' stands twice"),
        (b"a: [1\n", "is not valid YAML"),
        (b"a: !!python/object:os.system {}\n", "is not valid YAML"),
        (b"a: \xff\n", "Cannot read"),
        (None, "There is no file"),
    ],
)
def test_what_is_wrong_is_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_yaml(path)
    assert sentence in str(caught.value) and str(path) in str(caught.value)
