"""Sample ▸ Accept many: what would be accepted, and how many random ones are checked before."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from segstudio.core.audit import checks_for, percent_up
from segstudio.core.errors import UserError
from segstudio.jobs.accept import AuditOptions, plan_words
from segstudio.project.accepting import Plan
from segstudio.ui.audit import AuditWalk
from segstudio.ui.form import Form
from segstudio.ui.widgets import heading, muted

WIDTH = 540
_REST_MS = 150
_BOUNDS = (0.2, 0.1, 0.05, 0.01)


class AuditDialog(QDialog):
    """The plan as a form and its consequences in words; not modal, and nothing is changed by it.

    Attributes:
        form: What, among which samples, how many checks.
        buttons: Begin, Cancel.
        words: What the plan would do.
    """

    def __init__(self, audit: AuditWalk, expression: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Accept many, after an audit")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._audit = audit
        self._plan: Plan | None = None
        self._asked: AuditOptions | None = None
        self.form = Form(AuditOptions)
        self.form.set_values({"filter": expression or "state:todo"})
        self._title = heading("")
        self.words = muted(wraps=True)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        self.buttons.button(kinds.Ok).setProperty("primary", True)
        self.buttons.button(kinds.Ok).setText("Begin")
        self.buttons.accepted.connect(self._begin)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.form)
        layout.addWidget(self._title)
        layout.addWidget(self.words)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self._resting = QTimer(self, singleShot=True, interval=_REST_MS)
        self._resting.timeout.connect(self._ask)
        self.form.changed.connect(self._forget)
        self.resize(WIDTH, max(360, self.sizeHint().height()))
        self._forget()

    def _forget(self) -> None:
        """Something else is wanted: until it is known what that means, nobody begins."""
        self._plan = None
        self._enable()
        self._resting.start()

    def _ask(self) -> None:
        if not self.form.is_valid:
            return
        asked = self._asked = AuditOptions.model_validate(self.form.options().model_dump())
        self._audit.think(asked, lambda plan: self._take(asked, plan) if asked is self._asked else None)

    def _take(self, asked: AuditOptions, plan: Plan | UserError) -> None:
        if isinstance(plan, UserError):
            self._plan = None
            self._title.setText(plan.message[:1].upper() + plan.message[1:])
            self.words.setText(plan.hint)
        else:
            self._plan = plan if plan.ids else None
            self._title.setText(f"{len(plan.ids):,} {plan.what} would be accepted".replace(",", "\u202f"))
            words = "\n".join(_sentences(plan, min(asked.audit, len(plan.ids))))
            self.words.setText(words.replace(" %", "\u00a0%"))  # no line ends before the sign
        self._enable()

    def _enable(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self._plan is not None)

    def _begin(self) -> None:
        if self._plan is not None and self._asked is not None:
            self._audit.begin(self._plan, self._asked.audit)
            self.accept()


def _sentences(plan: Plan, checks: int) -> list[str]:
    lines = []
    if plan.ids:
        table = ", ".join(f"{checks_for(bound)} for {percent_up(bound)}" for bound in _BOUNDS)
        lines += [plan_words(plan, checks), f"Checks that it takes when all are right: {table}."]
    if plan.replaced:
        lines.append(f"Predictions take the place of {plan.replaced} masks of the dataset, which stay as revision 0.")
    if plan.replaced_by_person:
        lines.append(f"They take the place of {plan.replaced_by_person} masks that a person made or judged.")
    lines += [f"{count} stay as they are: {reason}." for reason, count in plan.left_out.items()]
    return lines
