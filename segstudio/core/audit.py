"""Audit: what a few random checks say of many things that nobody looked at."""

import math

CONFIDENCE = 0.95
"""How sure a bound is: of twenty audits at most one may find less than there is."""


def upper_bound(checked: int, wrong: int, of: int | None = None) -> float:
    """The share of wrong ones that there are at most, after some random ones were checked.

    The exact one-sided bound of Clopper and Pearson (Biometrika 26, 1934): the largest share with which so few wrong
    ones would still be found in at least one of 1 / (1 - CONFIDENCE) audits. It holds for draws without return too,
    where it is on the safe side.

    Args:
        checked: How many were drawn at random and checked.
        wrong: How many of these were wrong.
        of: How many there are; when all were checked, the share is known.

    Raises:
        ValueError: When the numbers cannot be.
    """
    if not 0 <= wrong <= checked or (of is not None and checked > of):
        raise ValueError(f"{wrong} wrong of {checked} checked of {of}")
    if of is not None and checked == of:
        return wrong / of if of else 0.0
    if wrong == checked:
        return 1.0
    if wrong == 0:
        return 1.0 - float((1 - CONFIDENCE) ** (1 / checked))  # as beta.ppf says, and no library is loaded for it
    from scipy.stats import beta

    return float(beta.ppf(CONFIDENCE, wrong + 1, checked - wrong))


def checks_for(bound: float) -> int:
    """How many checks without a wrong one it takes to say that at most the share `bound` is wrong."""
    if not 0 < bound < 1:
        raise ValueError(f"a bound lies between 0 and 1, not at {bound}")
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - bound) - 1e-9)


def percent_up(share: float) -> str:
    """A share in words, rounded up: a bound must not become smaller by being written down."""
    return f"{math.ceil(share * 1000 - 1e-6) / 10:g} %"
