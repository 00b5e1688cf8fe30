"""Wording: counts and numbers as sentences have them, in the window, in logs and on the command line."""


def count_text(count: int, noun: str, many: str = "") -> str:
    """How many of something: "1 epoch", "25 epochs", "12 000 samples" (with a narrow space).

    Args:
        count: How many.
        noun: What one of them is called.
        many: What several are called, when that is not the same with an s.
    """
    number = f"{count:,}".replace(",", "\u202f")
    return f"{number} {noun if count == 1 else many or f'{noun}s'}"


def number_text(value: float) -> str:
    """The shortest text that gives the number back: "224", "0.001", "1e-5"."""
    if isinstance(value, int):
        return str(value)
    text = repr(float(value)).replace("e+", "e")
    mantissa, e, exponent = text.partition("e")
    mantissa = mantissa.removesuffix(".0")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def rate_text(rate: float) -> str:
    """A learning rate, to six digits at most: "0.001", "1e-5"."""
    return number_text(float(f"{rate:.6g}"))
