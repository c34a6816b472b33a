import pytest

from helpers import UserError
from helpers.sources.parallel import load_pairs
from helpers.sources.short_pairs import short_pairs


@pytest.fixture(scope="module")
def whole():
    return load_pairs("django-zh")


def test_pairs_are_kept_by_the_bytes_of_both_sides_and_stay_in_their_splits(whole):
    short = short_pairs(whole, 50)
    for split, items in whole.splits.items():
        pairs = list(zip(items["source"], items["target"], items["origin"], strict=True))
        expected = [pair for pair in pairs if len(pair[0].encode()) + len(pair[1].encode()) <= 50]
        found = short.splits[split]
        columns = (found["source"], found["target"], found["origin"])
        assert list(zip(*columns, strict=True)) == expected
        assert 0 < len(expected) < len(pairs)


def test_what_is_kept_decides_the_fingerprint(whole):
    assert short_pairs(whole, 50).fingerprint != short_pairs(whole, 60).fingerprint
    assert short_pairs(whole, 10**6).fingerprint == whole.fingerprint
    assert short_pairs(whole, 10**6).fingerprints == whole.fingerprints


def test_a_limit_that_leaves_nothing_is_a_sentence(whole):
    with pytest.raises(UserError) as caught:
        short_pairs(whole, 3)
    assert str(caught.value) == (
        "django-zh has no pair of at most 3 bytes in its train split: its messages are too long."
    )
