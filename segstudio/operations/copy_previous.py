"""Copy from the previous sample: neighbouring frames often have nearly the same mask."""

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.options import Options
from segstudio.operations import OPERATIONS, Check, Operation, Subject


@OPERATIONS.register
class CopyPrevious(Operation[Options]):
    """Puts the mask of the sample before this one in the place of the whole mask."""

    name = "copy-previous"
    title = "Copy from previous sample"
    help = "Put the mask of the sample before this one in the list in the place of the whole mask."
    key = "Ctrl+D"
    icon = "copy"
    rank = 90
    needs = "previous"

    def apply(self, subject: Subject, options: Options, check: Check) -> Mask:
        """A copy of the other mask, which must be as large."""
        if subject.previous is None:
            raise UserError("there is no sample before this one in the list")
        other = subject.previous()
        if other.shape != subject.mask.shape:
            sizes = [f"{mask.shape[1]}x{mask.shape[0]}" for mask in (other, subject.mask)]
            raise UserError(f"the mask of the previous sample is {sizes[0]} pixels large and this one {sizes[1]}",
                            "a mask is never scaled: draw it, or take the prediction")  # fmt: skip
        return other.copy()
