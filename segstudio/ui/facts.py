"""Facts: what is the case in a workspace, for the commands that depend on it."""

from typing import TYPE_CHECKING

from segstudio.ui.actions import Fact

if TYPE_CHECKING:
    from segstudio.ui.workspace import Workspace

_OF_PANES: frozenset[Fact] = frozenset(
    {"panes", "verdict", "mask", "prediction", "errors", "undo", "redo", "audit", "audited"}
)
"""Facts that hold only while the panes are seen."""


def facts_of(workspace: "Workspace") -> set[Fact]:
    """What is the case now."""
    session, audit, acts = workspace.session, workspace.audit, workspace.acts
    facts: set[Fact] = {"project"}
    facts |= {"volumes"} if workspace.has_volumes else set()
    if not session.project.read_only:
        facts.add("writable")
        facts |= {"trained"} if workspace.is_trained else set()
        facts |= {"undo-act"} if acts.undoable is not None else set()
        facts |= {"redo-act"} if acts.redoable is not None else set()
        facts |= {"unfinished"} if acts.unfinished is not None and audit.stage == "idle" else set()
    facts |= {"audit", "audited"} if audit.stage == "checking" else set()
    facts |= {"audited"} if audit.stage == "checked" else set()
    if session.sample is not None:
        facts |= {"sample", "panes"}
        facts |= {"verdict"} if "writable" in facts else set()
        facts |= {"errors"} if session.project.predictions.current() is not None else set()
    if session.loaded is not None and session.loaded.probability is not None and session.document is not None:
        facts.add("prediction")
    if session.is_editable and session.document is not None:
        facts.add("mask")
        facts |= {"undo"} if session.undoable is not None or workspace.panes.is_undecided else set()
        facts |= {"redo"} if session.redoable is not None else set()
    if workspace.are_panes_seen:
        return facts
    # Between the two sides of the divider the sample is on screen as well, and can be judged.
    unseen = _OF_PANES - {"verdict"} if workspace.is_swiping else _OF_PANES
    return (facts - unseen) | _of_page(workspace)


def _of_page(workspace: "Workspace") -> set[Fact]:
    facts: set[Fact] = {"preview"} if workspace.centre.can_compare else set()
    stack = workspace.undo_stack
    if stack is not None:
        facts |= {"undo"} if stack.canUndo() else set()
        facts |= {"redo"} if stack.canRedo() else set()
    return facts
