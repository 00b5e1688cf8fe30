"""Act titles: the menu says which act or stroke would be undone, and which done again."""

from PySide6.QtCore import QObject, Signal

from segstudio.project.accepting import Begun
from segstudio.project.acts import Act
from segstudio.project.topics import Topics
from segstudio.ui.actions import Actions
from segstudio.ui.audit import AuditWalk
from segstudio.ui.session import Session


class ActTitles(QObject):
    """What can be undone in the project, beside strokes.

    Attributes:
        undoable: The act that would be undone; None when there is none.
        redoable: The act that would be done again.
        unfinished: The bulk accept that was interrupted.
    """

    changed = Signal()
    """One of these has become another."""

    def __init__(self, session: Session, audit: AuditWalk, actions: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._audit = audit
        self._actions = actions
        self.undoable: Act | None = None
        self.redoable: Act | None = None
        self.unfinished: Begun | None = None
        audit.changed.connect(self.show)
        session.project_changed.connect(self._take_change)

    def show(self) -> None:
        """Say in the menu what would be undone, and done again."""
        acts = self._session.project.acts
        self.undoable, self.redoable = acts.undoable(), acts.redoable()
        self.unfinished = self._audit.unfinished
        self._name("undo-act", "Undo", None if self.undoable is None else self.undoable.done)
        self._name("redo-act", "Redo", None if self.redoable is None else self.redoable.title)
        self.changed.emit()

    def show_strokes(self, *, are_panes_seen: bool) -> None:
        """Say which stroke would be undone, and which made again; while the panes are hidden both are about others."""
        session = self._session
        undoable, redoable = (session.undoable, session.redoable) if are_panes_seen else (None, None)
        past = None if undoable is None else "proposed mask" if undoable.is_proposed else undoable.history.undo_label
        self._name("undo", "&Undo", past)
        self._name("redo", "&Redo", None if redoable is None else redoable.history.redo_label)

    def clear(self) -> None:
        """The project is closed: there is nothing to undo."""
        for command in ("undo", "redo", "undo-act", "redo-act"):
            self._name(command, "", None)

    def _name(self, command: str, verb: str, what: str | None) -> None:
        own = self._actions.commands[command].text
        self._actions.rename(command, own if what is None else f"{verb}: {what.replace('&', '&&')}")

    def _take_change(self, topics: Topics) -> None:
        if "acts" in topics:
            self.show()
