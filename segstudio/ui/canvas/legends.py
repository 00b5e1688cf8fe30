"""Legends: the words in the corner of a pane that say what its colours mean."""

from collections.abc import Iterable, Iterator

from segstudio.core.percentage import percent
from segstudio.ui.canvas.agreement import Agreement
from segstudio.ui.canvas.layers import AGREEMENT, FALSE_NEGATIVE, FALSE_POSITIVE, HEAT, IGNORED, Colour
from segstudio.ui.canvas.marks import Caption, CaptionPart

IGNORING = Caption(
    ((IGNORED, "tools paint what is ignored"),),
    ((IGNORED, "ignoring"),),
    "What is hatched is neither learnt from nor measured. The same command (Tools ▸ Paint what is ignored) goes back.",
)
NO_PREDICTION = Caption(((None, "not predicted yet"),))

_NOTHING = Caption(((None, "both empty: nothing to compare"),))

_HELP = (
    "Shares of all that is foreground in the mask or in the prediction:\n"
    "agree – in both, which is the IoU\n"
    "false positive (FP) – predicted, but not in the mask\n"
    "false negative (FN) – in the mask, but not predicted"
)
_TOLERANCE_HELP = "\nErrors up to {} px beside the boundary of the mask are forgiven."


def problem_legend(problem: str) -> Caption:
    """Why there is no mask."""
    return Caption(((None, problem),))


def heat_legend(words: str) -> Caption:
    """How far runs disagree."""
    return Caption(((HEAT, words),))


def error_legend(agreement: Agreement, tolerance: int) -> Caption:
    """How much of mask and prediction agrees, and which errors are forgiven: those up to so many pixels away."""
    shares = agreement.shares
    if shares is None:
        return _NOTHING
    colours = (AGREEMENT, FALSE_POSITIVE, FALSE_NEGATIVE)
    ignored: tuple[CaptionPart, ...] = ((None, f"± {tolerance} px ignored"),) if tolerance else ()
    return Caption(
        (*_with_shares(colours, ("agree", "false positive", "false negative"), shares), *ignored),
        (*_with_shares(colours, ("agree", "FP", "FN"), shares, digits=0), *((None, f"±{tolerance}") for _ in ignored)),
        _HELP + (_TOLERANCE_HELP.format(tolerance) if tolerance else ""),
    )


def _with_shares(
    colours: Iterable[Colour], words: Iterable[str], shares: Iterable[float], *, digits: int = 1
) -> Iterator[tuple[Colour, str]]:
    for colour, word, share in zip(colours, words, shares, strict=True):
        yield colour, f"{word} {percent(share, digits)}"
