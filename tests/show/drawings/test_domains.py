import pytest

from helpers.show.drawings import domains
from helpers.show.drawings.canvas import spills, svg


@pytest.mark.parametrize(
    "drawing", [domains.two_domains, domains.shared_body, domains.practice_and_test]
)
def test_every_text_fits_and_the_drawing_has_its_sentence(drawing):
    made = drawing()
    assert spills(made.figure) == []
    assert f"<title>{made.alt}</title>" in svg(*made)
