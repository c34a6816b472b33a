"""``python -m helpers plan``: what was asked of a claim, and how many draws would decide it."""

import argparse
from collections.abc import Iterable

from helpers.claims.statements import claim
from helpers.claims.verdicts import Finding, Judgement, judge
from helpers.evaluation.planning import Components, power_curve, power_of_equivalence
from helpers.runs.schema import read_records

DRAWS = (3, 5, 10, 20, 40)
"""Counts of draws of which the power is shown."""


def plan(chosen: argparse.Namespace) -> int:
    """Print the power of each question of a claim, from the variance of what was measured.

    Args:
        chosen: ``claim``, its id; ``records``, files or folders to judge by; ``difference``, the
            true one that is asked about, or None for the larger of the one that was measured and
            the smallest that matters.

    Raises:
        UserError: no such claim or records.
    """
    wanted = claim(chosen.claim)
    found = judge(read_records(chosen.records))
    (judgement,) = [each for each in found if each.claim.id == wanted.id]
    print("\n".join(lines_of(judgement, chosen.difference)))
    return 0


def lines_of(judgement: Judgement, difference: float | None = None) -> list[str]:
    """Return the text of the command, line by line; see :func:`plan`."""
    stated = judgement.claim
    lines = [f"{stated.id} {stated.statement}", stated.reading, f"Verdict: {judgement.verdict}."]
    for finding in judgement.findings:
        lines += ["", f"{finding.piece.question}: {finding.verdict}", *_powers(finding, difference)]
    if stated.missing:
        lines += ["", f"Not measured yet: {stated.missing}"]
    return lines


def _powers(finding: Finding, difference: float | None) -> Iterable[str]:
    if not finding.evidence:
        yield "  nothing is stored of it; run its study first (python -m helpers trials)"
    if finding.reason:
        yield f"  {finding.reason}"
    if finding.piece.measures and finding.outlook:
        yield f"  {finding.outlook}"
    smallest = finding.piece.smallest
    names = [f"by {measure}" for measure in finding.piece.measures]
    names = names or [f"against {than}" for than in finding.piece.than]
    for name, gain in zip(names, finding.intervals, strict=False):
        if gain.squares is None:
            continue
        seen, items = Components.of(gain.squares), gain.squares.items
        true = abs(difference) if difference else max(abs(gain.value), smallest)
        _, chances = power_curve(seen, true, DRAWS, items)
        alike = [power_of_equivalence(seen, smallest, draws, items) for draws in DRAWS]
        yield f"  {name}: {gain}, {gain.squares.draws} draws, {items:,} items"
        yield "    draws" + "".join(f"{draws:>7}" for draws in DRAWS)
        yield _row(f"finds {true:.3f}", chances)
        yield _row(f"finds no difference within {smallest:g}, where there is none", alike)


def _row(text: str, chances: Iterable[float]) -> str:
    return "         " + "".join(f"{chance:>7.2f}" for chance in chances) + f"  {text}"
