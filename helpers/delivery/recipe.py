"""What was delivered, as something that can be trained again on other texts."""

from collections.abc import Sequence

from helpers.delivery.answer import Answer
from helpers.delivery.candidates import Bag, Candidate, Frozen, Static


def recipe(
    answer: Answer, encoders: Sequence[str], max_length: int
) -> tuple[Candidate, dict[str, float]]:
    """Return what was delivered, to be trained again on other texts, and its setting.

    A fine-tuned network, and the largest class, are stood in for by TF-IDF of words.
    """
    kind, name = answer.delivered["kind"], answer.delivered["name"]
    if kind == "frozen":
        encoder = next(encoder for encoder in encoders if name == f"frozen {encoder}")
        return Frozen(encoder, max_length, "float32"), answer.delivered["setting"]
    if kind == "static":
        encoder = name.removeprefix("static embeddings of ")
        return Static(encoder, "float32"), answer.delivered["setting"]
    if kind in ("words", "characters"):
        return Bag(kind), answer.delivered["setting"]
    return Bag("words"), {"C": 10.0}
