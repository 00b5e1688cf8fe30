"""Telling: what the parts of a workspace have to say is shown by its banner, each under its topic."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from segstudio.ui.workspace import Workspace


class Telling(QObject):
    """Joins the banner of a workspace with whatever has something to tell."""

    def __init__(self, workspace: "Workspace") -> None:
        super().__init__(workspace)
        self._banner = banner = workspace.banner
        self._session = session = workspace.session
        panes, walk = workspace.panes, workspace.walk
        workspace.audit.told.connect(lambda words, hint: banner.tell(words, hint, kind="info", topic="audit"))
        workspace.ignoring.failed.connect(lambda message, hint: banner.tell(message, hint, kind="bad", topic="sample"))
        session.saved_changed.connect(self._tell_saved)
        session.failed.connect(lambda message, hint: banner.tell(message, hint, kind="bad"))
        panes.tool_refused.connect(lambda why: banner.tell(why, kind="warn", topic="refused"))
        panes.operating.failed.connect(lambda why, hint: banner.tell(why, hint, kind="warn", topic="refused"))
        workspace.beside.told.connect(lambda words: banner.tell(words, kind="info", topic="refused"))
        walk.told.connect(lambda words, hint: banner.tell(words, hint, kind="info", topic="walk"))
        walk.changed.connect(lambda: banner.clear("walk") if walk.words else None)

    def _tell_saved(self, state: str, reason: str) -> None:
        if state == "unsaved":
            kept = "in the journal" if not self._session.journal_problem else "in memory alone: do not close"
            hint = f"Your strokes are kept {kept}, and saving is tried again by itself."
            self._banner.tell(f"NOT SAVED — {reason}", hint, kind="bad", topic="save")
        elif state == "saved":
            self._banner.clear("save")
