"""Operations on the whole mask: one file, one operation. Pure functions from a mask to a mask; they know no Qt.

Whoever runs one (the window, a test) gives it a `Subject` that belongs to it, in any thread, and puts the result in the
place of the mask as one step of history (`Document.replace`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from segstudio.core.mask import Mask
from segstudio.core.options import Options
from segstudio.core.registry import Registry

Need = Literal["", "prediction", "previous"]

Check = Callable[[], None]
"""To be called often; raises when nobody waits for the result any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What an operation works on.

    Attributes:
        mask: The mask; not to be written to.
        predicted: What the model takes for foreground, of the same shape; None when it has not been asked.
        previous: Reads the mask of the sample before this one; None when there is none. It may raise UserError.
    """

    mask: Mask
    predicted: Mask | None = None
    previous: Callable[[], Mask] | None = None


O = TypeVar("O", bound=Options)  # noqa: E741 - the options of one operation


class Operation(ABC, Generic[O]):
    """Something that can be done to a whole mask. Has no state of its own.

    Attributes:
        name: What settings and tests call it.
        title: What the menu calls it.
        help: One sentence for the tooltip.
        key: Its key as QKeySequence writes it, or empty.
        icon: File in resources/icons without ".svg", or empty.
        rank: Its place in the menu: least first.
        needs: What must be there beside the mask.
        Options: The model of its options. With any, the result is shown before it is made.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    key: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    rank: ClassVar[int] = 100
    needs: ClassVar[Need] = ""
    Options: ClassVar[type[Options]] = Options

    @abstractmethod
    def apply(self, subject: Subject, options: O, check: Check) -> Mask:
        """The mask as it is to be, a new array of the same shape.

        Raises:
            UserError: When it cannot be done, for example because the previous mask has another size.
        """


OPERATIONS: Registry[Operation[Any]] = Registry("segstudio.operations", "operation")
