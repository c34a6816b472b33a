"""What to do, in one paragraph that is made of the numbers and says no more than they do."""

from helpers.evaluation.intervals import Interval
from helpers.evaluation.significance import smallest_detectable, verdict
from helpers.show.tables import literal


def recommend(
    *,
    model: str,
    strategy: str,
    labels: tuple[int, int],
    gains: tuple[Interval, Interval],
    worth: str,
    over_scratch: Interval | None,
    score: Interval,
    largest: float,
    suspects: float,
    worst_domain: tuple[tuple[str, str], Interval] | None,
) -> str:
    """Return the recommendation on a user's labelled texts, as Markdown.

    Args:
        model: the pretrained model that was chosen on validation.
        strategy: how to tune it, chosen on validation.
        labels: smallest and largest label count measured.
        gains: accuracy of pretrained features minus TF-IDF at these two.
        worth: what the fewest labels are worth, in words.
        over_scratch: accuracy of the strategy minus training from scratch; None: that was chosen.
        score: accuracy of the choice on the test.
        largest: accuracy of always saying the largest class.
        suspects: share of labels that look wrong, in [0, 1].
        worst_domain: ((labels from, texts from), change of accuracy) where it costs most.

    >>> gain = Interval(0.10, 0.05, 0.15, 200, 0.95, "")
    >>> print(recommend(model="minilm", strategy="full", labels=(16, 256), gains=(gain, gain),
    ...     worth="worth 64", over_scratch=gain, score=gain, largest=0.3, suspects=0.0,
    ...     worst_domain=None))
    **Transfer pays off with 16 labels** (0.100 [0.050, 0.150] accuracy over TF-IDF) **and still with 256** (0.100 [0.050, 0.150]); label efficiency: worth 64. Take `minilm`, tuned by `full`: 0.100 [0.050, 0.150] on the test, where the largest class alone has 0.300; against the same model from scratch 0.100 [0.050, 0.150] (helps).
    """  # noqa: E501 - the doctest shows one paragraph
    few, many = labels
    early, late = gains
    said = verdict(early), verdict(late)
    if said == ("helps", "helps"):
        head = (
            f"**Transfer pays off with {few} labels** ({early} accuracy over TF-IDF) **and still "
            f"with {many}** ({late})"
        )
    elif "helps" in said:
        better = (few, early, many, late) if said[0] == "helps" else (many, late, few, early)
        n, gain, other, rest = better
        head = (
            f"**Transfer pays off with {n} labels** ({gain} accuracy over TF-IDF); with {other} it "
            f"{_words(rest)}"
        )
    elif "hurts" in said:
        head = (
            "**Do without it: TF-IDF is better** (pretrained features minus TF-IDF: "
            f"{early} with {few} labels, {late} with {many})"
        )
    else:
        head = (
            f"**Undecided whether transfer pays off**: with {few} labels it {_words(early)}, with "
            f"{many} it {_words(late)}"
        )
    parts = [f"{head}; label efficiency: {worth}."]
    if over_scratch is None:
        choice, scratch = f"Training `{model}` from scratch was best on validation", ""
    else:
        choice = f"Take `{model}`, tuned by `{strategy}`"
        scratch = f"; against the same model from scratch {over_scratch} ({verdict(over_scratch)})"
    parts.append(
        f"{choice}: {score} on the test, where the largest class alone has {largest:.3f}{scratch}."
    )
    if suspects > 0.02:
        parts.append(f"Read the suspect labels first: they are {suspects:.0%} of those looked at.")
    if worst_domain is not None and verdict(worst_domain[1]) == "hurts":
        (source, target), gap = worst_domain
        parts.append(
            f"Do not expect it to carry over: with labels of {literal(source)}, accuracy on "
            f"{literal(target)} changes by {gap}; label some texts of every domain."
        )
    return " ".join(parts)


def _words(gain: Interval) -> str:
    """Say what an interval of a gain allows, in the middle of a sentence."""
    if verdict(gain) == "hurts":
        return f"hurts ({gain})"
    seen = smallest_detectable(gain)
    return f"cannot be told ({gain}; a true difference of {seen:.3f} would have been seen)"
