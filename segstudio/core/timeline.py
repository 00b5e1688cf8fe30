"""Timeline: the edits of several documents in one order, as one person has made them.

A sample has a mask and an ignored region, each with a history of its own. Whoever goes back thinks of what they did
last, on whichever of both.
"""

from heapq import merge
from typing import NamedTuple

from segstudio.core.document import Document
from segstudio.core.edit import Edit


class Step(NamedTuple):
    """One edit, and what it changed."""

    document: Document
    edit: Edit


class Timeline:
    """The steps of the documents that it follows.

    Attributes:
        documents: Those.
        past: What can be undone, oldest first.
        future: What can be redone, next first.
    """

    def __init__(self) -> None:
        self.documents: tuple[Document, ...] = ()
        self.past: tuple[Step, ...] = ()
        self.future: tuple[Step, ...] = ()

    def follow(self, *documents: Document | None) -> None:
        """Follow these documents and no others; what a new one brings is put where it belongs by its time."""
        known, self.documents = self.documents, tuple(one for one in documents if one is not None)
        if all(one in known for one in self.documents):
            self.refresh()
            return
        past = ([Step(one, edit) for edit in one.history.past] for one in self.documents)
        future = ([Step(one, edit) for edit in one.history.future] for one in self.documents)
        # The edits of one document keep their order, whatever their times say.
        self.past, self.future = tuple(merge(*past, key=_made)), tuple(merge(*future, key=_made))

    def refresh(self) -> None:
        """Take in what the documents have done since: what is new was done, or undone, last."""
        past = {id(edit): Step(one, edit) for one in self.documents for edit in one.history.past}
        future = {id(edit): Step(one, edit) for one in self.documents for edit in one.history.future}
        old_past = [past.pop(id(step.edit)) for step in self.past if id(step.edit) in past]
        old_future = [future.pop(id(step.edit)) for step in self.future if id(step.edit) in future]
        self.past = (*old_past, *past.values())
        self.future = (*future.values(), *old_future)

    def go_to(self, edit: Edit | None) -> bool:
        """Undo and redo until an edit is the last that holds; None is before all that can be undone.

        Returns:
            False when it is not there any more, or while a stroke is under way; nothing is changed then.
        """
        steps = (*self.past, *self.future)
        place = next((number for number, step in enumerate(steps, start=1) if step.edit is edit), None)
        if edit is None:
            place = 0
        if place is None or any(one.is_stroke_open for one in self.documents):
            return False
        past, future = steps[:place], steps[place:]
        for one in self.documents:
            one.go_to(next((step.edit for step in reversed(past) if step.document is one), None))
        self.past, self.future = past, future
        return True


def _made(step: Step) -> float:
    """When; what was made before edits had times comes first."""
    return float("-inf") if step.edit.made is None else step.edit.made
