"""Numbers, times and values as the report writes them."""

import json
from typing import Any

from helpers.claims.evidence import Bounds


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as readers see it; the sign is a minus, nothing is a dash.

    >>> number(0.87349), number(-0.02), number(12000), number(3.2e-5), number(None)
    ('0.873', '−0.020', '12,000', '3.2e−05', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1000):
        text = f"{int(value):,}"
    elif value and not 10**-digits <= abs(value) < 1e6:
        text = f"{value:.{digits}g}"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{digits}f}"
    return text.replace("-", "−")


def power_of_ten(value: float) -> str:
    """Return a large number as a power of ten.

    >>> power_of_ten(3.2e12)
    '3.2 × 10¹²'
    """
    digits, _, exponent = f"{value:.1e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def with_interval(value: float | None, interval: Bounds | None) -> str:
    """Return a value and, where it is known, its interval.

    >>> with_interval(0.1, Bounds(low=0.05, high=0.15, level=0.95))
    '0.100 [0.050, 0.150]'
    >>> with_interval(-0.0004, Bounds(low=-0.01, high=0.01, level=0.95))
    '0.000 [−0.010, 0.010]'
    """
    if interval is None or (interval.low is None and interval.high is None):
        return number(value)
    parts = [value, interval.low, interval.high]
    most = max(abs(part) for part in parts if part is not None)
    if 0.001 <= most < 1000:  # the same decimals for all three
        parts = [None if part is None else round(part, 3) + 0.0 for part in parts]
    shown = [number(part) for part in parts]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def duration(seconds: float) -> str:
    """Return seconds as readers say them.

    >>> duration(4.21), duration(75), duration(7260)
    ('4.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def date(started: str) -> str:
    """Return the start of a run to the minute.

    >>> date("2026-11-24T00:10:31+00:00")
    '2026-11-24 00:10 UTC'
    """
    day, _, time = started.partition("T")
    zone = " UTC" if time.endswith(("Z", "+00:00")) else ""
    return f"{day} {time[:5]}{zone}"


def as_typed(value: Any) -> str:
    """Return a parameter's value as it would be typed.

    >>> as_typed("reuters-r8"), as_typed([16, 64]), as_typed(True)
    ('"reuters-r8"', '[16, 64]', 'True')
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def gigabytes(megabytes: float | None) -> str:
    """Return megabytes as gigabytes.

    >>> gigabytes(1234.0)
    '1.23 GB'
    """
    return "–" if megabytes is None else f"{megabytes / 1000:.2f} GB"
