"""The rules of a project that say which shapes of masks are usual."""

from concurrent.futures import Future

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.lint import LintRules
from segstudio.core.reporter import ListReporter
from segstudio.ui.background import Background
from segstudio.ui.form import Form
from segstudio.ui.session import Session
from segstudio.ui.widgets import muted, push_button

WIDTH = 480


class LintRulesDialog(QDialog):
    """The rules as a form; not modal. Saving them forgets what was found by those before.

    Attributes:
        form: The rules.
        learn_button: Puts into the form what the accepted masks keep.
        buttons: Save, Cancel.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("What is usual in a mask of this project")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH, 400)
        self._session = session
        self._background = Background("learn", self)
        self.form = Form(LintRules)
        self._note = muted(wraps=True)
        self.learn_button = push_button(
            "Learn from accepted masks", "Find what those masks have in common", self._learn
        )
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        self.buttons.button(kinds.Save).setProperty("primary", True)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.form)
        layout.addWidget(self.learn_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._note)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        rules = session.project.lint.rules()
        self.form.set_values((rules or LintRules()).model_dump(mode="json"))
        self._note.setText("" if rules else "There are no rules yet: learn them, or write what is usual.")
        self.form.changed.connect(self._enable)
        self.finished.connect(lambda _: self._background.close())
        self._enable()

    def _enable(self) -> None:
        is_usable = self.form.is_valid and not self._session.project.read_only
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(is_usable)

    def _learn(self) -> None:
        self.learn_button.setEnabled(False)
        self._note.setText("Looking at the masks…")
        lint = self._session.project.lint

        def take(future: "Future[tuple[LintRules, int]]") -> None:
            self.learn_button.setEnabled(True)
            error = future.exception()
            if isinstance(error, UserError):
                self._note.setText(f"{error.message[:1].upper()}{error.message[1:]}: {error.hint}.")
                return
            rules, count = future.result()
            self.form.set_values(rules.model_dump(mode="json"))
            self._note.setText(f"Learnt from {count} masks. Save keeps these rules.")
            self._enable()

        self._background.submit(lambda: lint.learn(ListReporter()), take)

    def _save(self) -> None:
        self._session.decisions.set_lint_rules(LintRules.model_validate(self.form.options().model_dump()))
        self.accept()
