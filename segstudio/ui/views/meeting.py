"""Against the champion: how a run did in its meeting, the images that got worse, and who is champion then."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.core.metrics import METRICS
from segstudio.core.wording import count_text
from segstudio.ui import theme
from segstudio.ui.session import Session
from segstudio.ui.views.differences import Interval, Intervals
from segstudio.ui.views.flip import Flip, Flipped
from segstudio.ui.views.lines import TableModel, fit, lines_table
from segstudio.ui.views.numbers import change_text, with_minus
from segstudio.ui.views.run_facts import Facts
from segstudio.ui.widgets import heading, in_column, muted, push_button

VERDICT_TOKENS = {"better": "good", "not worse": "good", "worse": "bad", "not better": "warn", "the same": "text"}
"""Colour of each verdict."""


class MeetingPart(QWidget):
    """The verdict with its interval, the images that got worse, and the buttons about the title.

    Signals:
        opened: Told the id of a sample to see in Review.
        meeting_wanted: The run shall meet the champion.
        promotion_wanted: The run shall be champion.
        roll_back_wanted: The champion before shall have the title back.
    """

    opened = Signal(int)
    meeting_wanted = Signal()
    promotion_wanted = Signal()
    roll_back_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._meeting: Mapping[str, Any] | None = None
        self.verdict = QLabel(wordWrap=True)
        self.verdict.setProperty("title", True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.explanation = QLabel(wordWrap=True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.difference = Intervals()
        self.worse = TableModel(("Got worse", "Part", "Before", "Now", "Difference"), self)
        self.meet_button = push_button(
            "Meet the champion",
            "Measure this run and the champion on images neither was trained on",
            self.meeting_wanted.emit,
        )
        self.promote_button = push_button(
            "Make champion",
            "Use this run wherever none is named; Roll back takes it back",
            self.promotion_wanted.emit,
        )
        self.roll_back_button = push_button(
            "Roll back", "Give the title back to the champion before", self.roll_back_wanted.emit
        )
        self.notes = muted(wraps=True)
        self.table = lines_table(self.worse, "Images that got worse", self.opened.emit)
        self.table.selectionModel().currentRowChanged.connect(self._flip)
        self.flip = Flip(session)
        self.flip.opened.connect(self.opened)
        buttons = QHBoxLayout()
        for button in (self.meet_button, self.promote_button, self.roll_back_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        said = in_column(heading("Against the champion"), self.verdict, self.explanation, self.difference)
        said.layout().addLayout(buttons)  # type: ignore[union-attr]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(said)
        column.addWidget(in_column(self.table, self.flip, self.notes))

    @property
    def is_busy(self) -> bool:
        """Whether an image is being read."""
        return self.flip.is_busy

    def close_threads(self) -> None:
        """Read no more."""
        self.flip.close_threads()

    def show_facts(self, facts: Facts) -> None:
        """Show how a run did, or that it has not met the champion."""
        meeting, is_writable = facts.meeting, not self._session.project.read_only
        is_champion = facts.run.id == facts.champion
        is_able = facts.run.best_weights.is_file() and not facts.run.is_running and is_writable
        self.meet_button.setVisible(is_able and not is_champion and facts.champion is not None)
        self.promote_button.setVisible(is_able and not is_champion)
        self.roll_back_button.setVisible(is_writable and is_champion and facts.can_roll_back)
        for widget in (self.difference, self.notes, self.explanation):
            widget.setVisible(meeting is not None)
        self.table.setVisible(meeting is not None and bool(meeting["worse"]))
        if meeting is None:
            words = "It is the champion." if is_champion else "It has not met the champion yet."
            self.verdict.setText(f"Masks of {facts.run.reader}" if facts.run.is_reader else words)
            self.verdict.setStyleSheet("")
            self._meeting = None
            self.flip.show_image(None)
            return
        self.verdict.setText(verdict_text(meeting))
        token = VERDICT_TOKENS.get(str(meeting["verdict"]), "text")
        self.verdict.setStyleSheet(f"color: {theme.color(token).name()};")
        self.explanation.setText(with_minus(f"{meeting['summary']} {outcome_text(meeting)}".strip()))
        low, high = meeting["interval"]
        images = f"{meeting['images']} images"
        label = f"Mean difference of {METRICS[meeting['metric']]}"
        row = Interval(label, float(meeting["difference"]), float(low), float(high), images, is_main=True)
        self.difference.show_rows([row])
        self._show_worse(meeting)

    def _show_worse(self, meeting: Mapping[str, Any]) -> None:
        """List the images that got worse, the worst first, and show one: the one that was shown, or the worst."""
        if meeting != self._meeting:
            self._meeting = meeting
            self.worse.show_rows(
                [
                    ((str(one["image"]), str(one["split"]), f"{one['before']:.3f}", f"{one['after']:.3f}",
                      change_text(one["difference"])), int(one["sample"]))
                    for one in meeting["worse"]
                ]
            )  # fmt: skip
            fit(self.table)
            if meeting["worse"]:
                self.table.selectRow(0)
            else:
                self.flip.show_image(None)
        worse = count_text(len(meeting["worse"]), "image")
        counts = f"{worse} got worse, {meeting['better']} better, {meeting['same']} stayed the same."
        self.notes.setText("\n".join([counts, *(f"· {note}" for note in (*meeting["notes"], meeting["rule"]))]))

    def _flip(self, index: QModelIndex) -> None:
        meeting = self._meeting
        if meeting is None or not index.isValid():
            return
        one = meeting["worse"][index.row()]
        runs, scores = (int(meeting["champion"]), int(meeting["run"])), (float(one["before"]), float(one["after"]))
        self.flip.show_image(Flipped(int(one["sample"]), str(one["image"]), runs, scores, METRICS[meeting["metric"]]))


def verdict_text(meeting: Mapping[str, Any]) -> str:
    """The verdict, as large as it is written."""
    champion = f"run {int(meeting['champion']):04}"
    return {
        "better": f"Better than {champion}",
        "not worse": f"Not worse than {champion}",
        "the same": f"The same as {champion}",
        "not better": f"No better than {champion}",
        "worse": f"Worse than {champion}",
    }[str(meeting["verdict"])]


def outcome_text(meeting: Mapping[str, Any]) -> str:
    """Who was champion after a meeting."""
    if meeting["is_promoted"]:
        return "It became the champion."
    if meeting.get("is_title_at_stake"):
        return f"Run {int(meeting['champion']):04} stayed champion."
    return ""
