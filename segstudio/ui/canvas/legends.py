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
    "false negative (FN) – in the mask, but not predicted\n"
    "Errors that somebody has settled by Keep are faint, and count all the same."
)
_HELP_OF_READERS = (
    "Shares of all that is foreground in your mask or in theirs:\n"
    "agree – in both, which is the IoU\n"
    "only in theirs – {reader} has drawn it and you have not\n"
    "only in yours – you have drawn it and {reader} has not"
)
_WORDS = ("agree", "false positive", "false negative"), ("agree", "FP", "FN")
_WORDS_OF_READERS = ("agree", "only in theirs", "only in yours"), ("agree", "theirs", "yours")
"""What the colours are called, where there is room and where there is little."""

_HIDDEN = Caption(
    (*zip((FALSE_POSITIVE, FALSE_NEGATIVE), _WORDS[0][1:], strict=True), (None, "test figures hidden")),
    (*zip((FALSE_POSITIVE, FALSE_NEGATIVE), _WORDS[1][1:], strict=True), (None, "hidden")),
    "How right this run is on the test split is hidden: View ▸ Show test figures, which is counted as a look.",
)

_TOLERANCE_HELP = "\nErrors up to {} px beside the boundary of the mask are forgiven."


def problem_legend(problem: str) -> Caption:
    """Why there is no mask."""
    return Caption(((None, problem),))


def heat_legend(words: str) -> Caption:
    """How far runs disagree."""
    return Caption(((HEAT, words),))


def missing_legend(reader: str) -> Caption:
    """There is nothing in the place of a prediction; `reader` is who would have drawn it, empty for a network."""
    return Caption(((None, f"no mask by {reader}"),)) if reader else NO_PREDICTION


def error_legend(agreement: Agreement, tolerance: int, *, reader: str = "", is_hidden: bool = False) -> Caption:
    """How much of mask and prediction agrees, and which errors are forgiven.

    Args:
        agreement: The counts.
        tolerance: Errors up to so many pixels away are forgiven.
        reader: Who has drawn what stands in the place of the prediction; empty for a network.
        is_hidden: Whether nobody may know yet how much it is, see `project.looks`.
    """
    if is_hidden:
        return _HIDDEN
    shares = agreement.shares
    if shares is None:
        return _NOTHING
    words, short = _WORDS_OF_READERS if reader else _WORDS
    help_text = _HELP_OF_READERS.format(reader=reader) if reader else _HELP
    colours = (AGREEMENT, FALSE_POSITIVE, FALSE_NEGATIVE)
    ignored: tuple[CaptionPart, ...] = ((None, f"± {tolerance} px ignored"),) if tolerance else ()
    return Caption(
        (*_with_shares(colours, words, shares), *ignored),
        (*_with_shares(colours, short, shares, digits=0), *((None, f"±{tolerance}") for _ in ignored)),
        help_text + (_TOLERANCE_HELP.format(tolerance) if tolerance else ""),
    )


def _with_shares(
    colours: Iterable[Colour], words: Iterable[str], shares: Iterable[float], *, digits: int = 1
) -> Iterator[tuple[Colour, str]]:
    for colour, word, share in zip(colours, words, shares, strict=True):
        yield colour, f"{word} {percent(share, digits)}"
