"""Figures as people read them."""

import re

_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")


def change_text(value: float) -> str:
    """A difference with its sign: "−0.034"; "0" when nothing is left after rounding."""
    text = f"{value:+.3f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def with_minus(words: str) -> str:
    """A sentence of a job with the sign of negative numbers as figures in the window have it."""
    return _NEGATIVE.sub("−", words)


def short_change_text(value: float) -> str:
    """The same where room is short: "−0.03". The beginning of a longer figure would be one that nobody measured."""
    text = f"{value:+.2f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def p_text(value: float | None) -> str:
    """A p value: "p = 0.013", "p < 0.001", or nothing."""
    if value is None:
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
