"""What a run shows when its record is closed."""

from helpers.claims import statements
from helpers.claims.evidence import Evidence
from helpers.runs.schema import Record


def closing_text(record: Record) -> str:
    """Return what ``record`` says as Markdown: how many numbers, and the claims' table.

    A claim that holds several measures against each other has one row, with their count.
    """
    count = len(record.metrics)
    lines = [f"Record closed: {count} {'number' if count == 1 else 'numbers'} measured."]
    if record.claims:
        lines += ["", "| claim | value | interval | verdict |", "|---|---|---|---|"]
    several = {each.id for each in statements.load_claims().values() if each.combine == "telling"}
    lines += [_row(evidence) for evidence in record.claims if evidence.claim not in several]
    for name in sorted(several & {evidence.claim for evidence in record.claims}):
        found = sum(evidence.claim == name for evidence in record.claims)
        stated = statements.claim(name).statement
        lines.append(f"| {name} {stated} | {found} differences | – | in 15 |")
    return "\n".join(lines)


def _row(evidence: Evidence) -> str:
    statement = statements.claim(evidence.claim).statement
    value = "–" if evidence.value is None else f"{evidence.value:.3g}"
    ends = [evidence.interval.low, evidence.interval.high] if evidence.interval else []
    shown = "[" + ", ".join("?" if e is None else f"{e:.3g}" for e in ends) + "]"
    verdict = "in 15" if evidence.measured else "not judged"
    return f"| {evidence.claim} {statement} | {value} | {shown if ends else '–'} | {verdict} |"
