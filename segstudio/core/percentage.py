"""Shares in words, in one style everywhere: "79 %", with the space that DIN 5008 and the SI put there."""


def percent(share: float, digits: int = 0) -> str:
    """A share in percent: 0.131 is "13 %", and "13.1 %" with one digit after the point.

    Args:
        share: 1 is all.
        digits: After the point.
    """
    return f"{100 * share:.{digits}f} %"
