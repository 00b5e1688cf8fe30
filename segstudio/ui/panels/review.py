"""The review panel: the verdict on the sample on screen, how far it agrees with the prediction, and its history.

The history has two parts: the edits since the mask was last found changed by somebody else, each of which can be gone
back to, and the revisions, which stay for ever.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.metrics import EMPTY_CONVENTION
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.project.masks import Revision
from segstudio.project.suspicions import reasons
from segstudio.ui import theme
from segstudio.ui.measuring import Measurement
from segstudio.ui.panels.comment import CommentEdit
from segstudio.ui.panels.history import HistoryList
from segstudio.ui.panels.samples_model import STATE_LOOK, iou_token
from segstudio.ui.session import Session
from segstudio.ui.times import seconds_text, when_text
from segstudio.ui.widgets import ElidedLabel, Switch, allow, heading, link, muted, scrolling, set_property

_FIGURES = (("iou", "IoU"), ("dice", "Dice"), ("precision", "Precision"), ("recall", "Recall"))
_VERDICTS = ("accept", "flag", "reject", "todo")
_GIVEN = {
    ReviewState.ACCEPTED: "accept", ReviewState.FLAGGED: "flag", ReviewState.REJECTED: "reject",
    ReviewState.TODO: "todo",
}  # fmt: skip
_SPLITS = {Split.VAL: "validation"}
REVISIONS = 8
"""How many of the latest revisions are listed."""


class ReviewPanel(QWidget):
    """What is known of the sample on screen, and the buttons to judge it.

    Attributes:
        compare_wanted: Told the number of a revision that the person wants to see beside the mask as it is now.
        history: The edits.
    """

    compare_wanted = Signal(int)

    def __init__(self, session: Session, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._measurement: Measurement | None = None
        self._build(actions)
        session.sample_changed.connect(self._show_sample)
        session.verdict_changed.connect(self._show_verdict)
        session.measured.connect(self._show_measurement)
        session.project_changed.connect(lambda topics: self._show_suspicion() if "samples" in topics else None)
        theme.notifier().changed.connect(self._dress)
        self._show_sample(session.sample)

    def _show_sample(self, sample: Sample | None) -> None:
        self.setEnabled(sample is not None)
        self._measurement = None
        self._name.setText(sample.name if sample else "No sample")
        self._name.setToolTip(sample.image if sample else "")
        split = "" if sample is None else _SPLITS.get(sample.split, str(sample.split))
        size = f"{_size(sample)}  ·  {split} split" if sample else ""
        group = sample.group if sample else ""
        name = group.rpartition("/")[2].replace("-", "\u2011")  # a name that goes into one line is not broken
        self._about.setText(size + (f"  ·  group\u00a0{name}" if group else ""))
        self._about.setToolTip(f"Group {group}: its samples stay on the same side of every split" if group else "")
        self._area.setText("–")
        self._dress()
        self._show_verdict(sample)

    def _show_verdict(self, sample: Sample | None) -> None:
        given = _GIVEN.get(sample.state) if sample is not None else None
        for name, button in self._buttons.items():
            set_property(button, "current", name == given)
        if sample is None:
            self._state.clear()
            self._by.clear()
            self.comment.show_comment(None, "")
            return
        icon, token = STATE_LOOK[sample.state]
        self._state_icon.setPixmap(theme.icon(icon, token).pixmap(16, 16))
        self._state.setText(sample.state.capitalize())
        self._state.setStyleSheet(f"color: {theme.color(token).name()}; font-weight: 600;")
        self._show_review(sample)
        self._show_suspicion()
        self._show_revisions(sample)

    def _show_review(self, sample: Sample) -> None:
        (review,) = self._session.project.samples.reviews([sample.id])
        self.comment.show_comment(sample.id, review.comment)
        words = [f"by {review.reviewer}"] if review.reviewer else []
        words += [seconds_text(review.seconds)] if review.seconds >= 1 else []
        self._by.setText("  ·  ".join(words))

    def _show_suspicion(self) -> None:
        """Why the mask is suspected to be wrong; a verdict on it settles that."""
        sample = self._session.sample
        found = [] if sample is None else reasons(self._session.project, sample.id)
        words = "\n".join(f"Suspicious: {reason}." for reason in found)
        self._suspicious.setText(f"{words}\nAccept it if it is right, or mend it." if words else "")
        self._suspicious.setVisible(bool(words))

    def show_chosen(self, count: int) -> None:
        """Say on how many samples a verdict would be given."""
        self._chosen.setText(f"{count:,} samples are selected: a verdict goes to all of them.".replace(",", "\u202f"))
        self._chosen.setVisible(count > 1)

    def _show_measurement(self, measurement: Measurement) -> None:
        self._measurement = measurement
        reader = self._session.reader
        self._against.setText(f"Your mask against that of {reader}" if reader else "Mask against prediction")
        share = 100 * measurement.foreground / max(1, measurement.pixels)
        self._area.setText(f"{measurement.foreground:,} px  ·  {share:.1f} %".replace(",", "\u202f"))
        self._dress()

    def _dress(self) -> None:
        counts = self._measurement.counts if self._measurement else None
        for name, label in self._figures.items():
            value = getattr(counts, name) if counts else None
            label.setText("–" if value is None else f"{value:.3f}")
            token = iou_token(float("nan") if value is None else value) if name == "iou" else "text"
            label.setStyleSheet(f"color: {theme.color(token).name()}; font-size: 17px; font-weight: 600;")
        self._unusual.setText("\n".join(_unusual(self._measurement)))
        self._unusual.setStyleSheet(f"color: {theme.color('warn').name()};")
        self._unusual.setVisible(bool(self._unusual.text()))
        self._suspicious.setStyleSheet(f"color: {theme.color('warn').name()};")
        self._note.setText(_note(self._measurement))
        self._note.setVisible(bool(self._note.text()))
        is_hidden = self._measurement is not None and self._measurement.is_hidden
        self._reveal.setVisible(is_hidden and not self._session.project.read_only)
        if self._session.sample is not None and self._state.text():
            icon, token = STATE_LOOK[self._session.sample.state]
            self._state_icon.setPixmap(theme.icon(icon, token).pixmap(16, 16))
            self._state.setStyleSheet(f"color: {theme.color(token).name()}; font-weight: 600;")

    def close_threads(self) -> None:
        """End the thread of the history."""
        self.history.close_threads()

    def _show_history(self) -> None:
        edits = self.history.history.edits
        self.history.setVisible(bool(edits))
        self._no_edits.setVisible(not edits)

    def _show_revisions(self, sample: Sample) -> None:
        while (item := self._revisions.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        revisions = self._session.project.masks.revisions(sample)
        for row, revision in enumerate(reversed(revisions[-REVISIONS:])):
            self._add_revision(row, revision)
        self._no_revisions.setVisible(not revisions)
        self._no_revisions.setText("There is no mask." if sample.problem else "There is no mask yet: paint one.")

    def _add_revision(self, row: int, revision: Revision) -> None:
        words = QLabel(f"Revision {revision.number}" if revision.number else "From the dataset")
        words.setProperty("heading", revision.is_current)
        when = muted(when_text(revision.created))
        self._revisions.addWidget(words, row, 0)
        self._revisions.addWidget(when, row, 1)
        if revision.is_current:
            mark = QLabel("current")
            mark.setProperty("good", True)
            self._revisions.addWidget(mark, row, 2, Qt.AlignmentFlag.AlignRight)
            return
        links = QHBoxLayout()
        links.setSpacing(8)
        compare = link("Compare", "See this mask and the current one side by side, with a divider to drag.")
        compare.clicked.connect(lambda _=False: self.compare_wanted.emit(revision.number))
        take = link("Take", "Put this mask in place of the current one; Undo brings the current one back.")
        allow(take, (self._session.is_editable, "the mask cannot be changed"))
        take.clicked.connect(lambda _=False: self._session.take_revision(revision.number))
        holder = QWidget()
        holder.setLayout(links)
        links.setContentsMargins(0, 0, 0, 0)
        links.addWidget(compare)
        links.addWidget(take)
        self._revisions.addWidget(holder, row, 2, Qt.AlignmentFlag.AlignRight)

    def _build(self, actions: Mapping[str, QAction]) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(6)
        self._add_sample(layout, actions)
        layout.addSpacing(8)
        self._add_figures(layout, actions)
        layout.addSpacing(8)
        self._add_history(layout)
        layout.addSpacing(4)
        self._add_revisions(layout)
        layout.addStretch()
        scroll = scrolling(content)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self._show_history()

    def _add_sample(self, layout: QVBoxLayout, actions: Mapping[str, QAction]) -> None:
        """What the sample is, its verdict, and what is remarkable about it."""
        self._name = heading("")
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._name.setSizePolicy(self._name.sizePolicy().Policy.Ignored, self._name.sizePolicy().verticalPolicy())
        self._about = muted(wraps=True)
        self._state_icon = QLabel()
        self._state = QLabel()
        self._by = ElidedLabel()
        self._by.setProperty("muted", True)
        self._by.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        state = QHBoxLayout()
        state.setSpacing(6)
        state.addWidget(self._state_icon)
        state.addWidget(self._state)
        state.addWidget(self._by, 1)
        self._chosen = muted(wraps=True)
        self._chosen.hide()
        self.comment = CommentEdit()
        self.comment.setReadOnly(self._session.project.read_only)
        self.comment.written.connect(self._session.decisions.set_comment)
        self._unusual = _remark("Unusual")
        self._suspicious = _remark("Suspicious")
        self._suspicious.hide()
        layout.addWidget(self._name)
        layout.addWidget(self._about)
        layout.addLayout(state)
        layout.addLayout(self._verdicts(actions))
        for part in (
            Switch(actions["verdict-go-on"]), self._chosen, self.comment, self._unusual, self._suspicious,
        ):  # fmt: skip
            layout.addWidget(part)

    def _add_figures(self, layout: QVBoxLayout, actions: Mapping[str, QAction]) -> None:
        """How the mask stands against what is shown beside it."""
        self._against = heading("Mask against prediction")
        self._against.setWordWrap(True)  # the name of a reader may be long
        self._note = muted(wraps=True)
        self._reveal = link("Show test figures", "Show them for all of the test split; it is counted as a look")
        self._reveal.clicked.connect(lambda _=False: actions["test-figures"].trigger())
        self._reveal.hide()
        self._area = QLabel("–")
        area = QHBoxLayout()
        area.addWidget(muted("Foreground"))
        area.addWidget(self._area, 1, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self._against)
        layout.addWidget(self._figure_table())
        layout.addWidget(self._note)
        layout.addWidget(self._reveal, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(area)

    def _add_history(self, layout: QVBoxLayout) -> None:
        self._no_edits = muted("What you do to this mask is listed here, and can be gone back to.", wraps=True)
        self.history = HistoryList(self._session)
        self.history.wanted.connect(self._session.go_to)
        self.history.history.modelReset.connect(self._show_history)
        layout.addWidget(heading("History"))
        layout.addWidget(self._no_edits)
        layout.addWidget(self.history, 1)

    def _add_revisions(self, layout: QVBoxLayout) -> None:
        self._no_revisions = muted("There is no mask yet: paint one.")
        self._revisions = QGridLayout()
        self._revisions.setVerticalSpacing(2)
        self._revisions.setColumnStretch(1, 1)
        layout.addWidget(heading("Revisions of the mask"))
        layout.addWidget(self._no_revisions)
        layout.addLayout(self._revisions)

    def _verdicts(self, actions: Mapping[str, QAction]) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        self._buttons: dict[str, QToolButton] = {}
        for name in (*_VERDICTS, "next-undecided"):
            button = self._buttons[name] = QToolButton()
            button.setDefaultAction(actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            line.addWidget(button, 1)
        return line

    def _figure_table(self) -> QFrame:
        frame = QFrame()
        grid = QGridLayout(frame)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        self._figures: dict[str, QLabel] = {}
        for column, (name, words) in enumerate(_FIGURES):
            value = QLabel("–")
            value.setToolTip(EMPTY_CONVENTION)
            self._figures[name] = value
            grid.addWidget(muted(words), 0, column)
            grid.addWidget(value, 1, column)
        return frame


def _unusual(measurement: Measurement | None) -> list[str]:
    """What is unusual in the shapes of mask and prediction."""
    if measurement is None:
        return []
    pairs = (("Mask", measurement.unusual), ("Prediction", measurement.unusual_predicted))
    return [f"{what}: {words}" for what, sentences in pairs for words in sentences]


def _note(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    if measurement.is_hidden:
        return "A sample of the test split: how right this run is there is hidden until you want to know."
    if measurement.is_proposed:
        return (
            "There is no mask yet: what the prediction shows is proposed. Accept it, or correct it; Undo begins with "
            "an empty one."
        )
    if measurement.counts is None:
        return "No prediction yet: train, then choose Predict."
    if not measurement.counts.is_defined:
        return "Mask and prediction are both empty: there is nothing to measure, and this image is left out of means."
    if measurement.how:
        near = f" Errors within {measurement.tolerance} px of the boundary count as right." * bool(
            measurement.tolerance
        )
        return f"Predicted otherwise than usual: {measurement.how}.{near}"
    if measurement.tolerance:
        return f"Errors within {measurement.tolerance} px of the boundary count as right. The list stays exact."
    if not measurement.foreground:
        return "The mask is empty, so anything predicted scores 0."
    return ""


def _size(sample: Sample) -> str:
    """How large the image is; one that was never read has no size."""
    return f"{sample.width} × {sample.height} px" if sample.width else "size unknown"


def _remark(name: str) -> QLabel:
    """Words about the sample, in a colour of their own; the style and a screen reader know them by `name`."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setObjectName(name.lower())
    label.setAccessibleName(name)
    return label
