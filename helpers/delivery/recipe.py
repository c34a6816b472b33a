"""What was delivered, as something that can be trained again on other texts."""

from collections.abc import Sequence

from helpers.delivery.answer import Answer
from helpers.delivery.candidates import Bag, Candidate, Frozen, Static
from helpers.delivery.contrastive import STRENGTH


def recipe(
    answer: Answer, encoders: Sequence[str], max_length: int
) -> tuple[Candidate, dict[str, float]]:
    """Return what was delivered, to be trained again on other texts, and its setting.

    A fine-tuned network, and the largest class, are stood in for by TF-IDF of words; an encoder
    that was tuned on pairs by the same one as it was.
    """
    kind, name = answer.delivered["kind"], answer.delivered["name"]
    if kind == "frozen":
        encoder = next(each for each in encoders if name.endswith(f" {each}"))
        setting = answer.delivered["setting"] if name == f"frozen {encoder}" else {"C": STRENGTH}
        return Frozen(encoder, max_length, "float32"), setting
    if kind == "static":
        encoder = name.removeprefix("static embeddings of ")
        return Static(encoder, "float32"), answer.delivered["setting"]
    if kind in ("words", "characters"):
        return Bag(kind), answer.delivered["setting"]
    return Bag("words"), {"C": 10.0}
