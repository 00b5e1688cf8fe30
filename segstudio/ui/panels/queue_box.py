"""The queue of copies: how many of which samples, how far it is, and the way to go on after a stop."""

import re
from concurrent.futures import Future
from typing import Literal

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.sample import USABLE, Split
from segstudio.core.wording import count_text
from segstudio.project.augmented import Outlook
from segstudio.project.filter import asked_splits, compile_filter
from segstudio.project.sample_table import SPLITS, STATES, SampleTable
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.combo import Combo
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.number_box import NumberBox
from segstudio.ui.panels.job_progress import progress_text
from segstudio.ui.session import Session
from segstudio.ui.widgets import READ_ONLY, allow, heading, keeping_focus, link, muted, push_button, set_property

Which = Literal["all", "filter", "sample"]

_WORDS: dict[Which, str] = {
    "all": "every training sample", "filter": "the list's training samples", "sample": "the sample on screen",
}  # fmt: skip
_TOPICS: Topics = frozenset({"samples", "masks", "augmented", "recipes"})


class QueueBox(QWidget):
    """Puts jobs in the queue that make copies with one recipe, and follows them.

    Attributes:
        starting: Told before a job is put in the queue, so that the recipe can be written first.
        copies_wanted: Told when the person wants to see the copies.
    """

    starting = Signal()
    copies_wanted = Signal()

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queue = queue
        self._recipe, self._title = "", ""
        self._is_empty = True
        self._errors = 0
        self._seed = 0
        self._filter = ""
        self._problem = ""
        self._failure = ""
        self._record: JobRecord | None = None
        self._made = Outlook()
        self._samples = np.empty(0, np.int64)
        self._is_stale = True
        self._background = Background("copies", self)
        self._looking = QTimer(self, singleShot=True, interval=300)
        self._looking.timeout.connect(self._look)
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._update)
        self._build()
        queue.added.connect(self._follow)
        queue.changed.connect(self._take_change)
        queue.ended.connect(self._take_end)
        session.project_changed.connect(self._take_topics)
        session.sample_changed.connect(lambda _sample: self._count_again() if self.which == "sample" else None)
        self._count()

    # --- what others say

    @property
    def is_busy(self) -> bool:
        """Whether something is being counted."""
        return self._background.is_busy or self._looking.isActive()

    @property
    def copies(self) -> int:
        """How many copies of each sample."""
        value = self.copies_box.value()
        return min(max(1, value), 999) if isinstance(value, int) else 1

    @property
    def which(self) -> Which:
        """Of which samples."""
        return list(_WORDS)[max(0, self.which_box.currentIndex())]

    @property
    def record(self) -> JobRecord | None:
        """The job that is followed."""
        return self._record

    def show_recipe(self, name: str, title: str, *, is_empty: bool) -> None:
        """Make copies with this recipe."""
        if name != self._recipe:
            self._recipe, self._made, self._failure = name, Outlook(), ""
            self._record = next((one for one in reversed(self._queue.records) if self._is_ours(one)), None)
            self._look_soon()
        self._title, self._is_empty = title, is_empty
        self._update()

    def show_errors(self, count: int) -> None:
        """So many findings say that the recipe should not be used; the person has to agree before."""
        if count != self._errors:
            self._errors = count
            self.agree_box.setChecked(False)
            self._update()

    def set_seed(self, seed: int) -> None:
        """The seed of the preview, which makes the copies too."""
        if seed != self._seed:
            self._seed = seed
            self._look_soon()
            self._update()

    def set_filter(self, text: str) -> None:
        """What the list of samples shows."""
        self._filter = text
        self._count_again()

    def close_threads(self) -> None:
        """Stop all that runs."""
        self._looking.stop()
        self._clock.stop()
        self._background.close(5)

    # --- the job

    def start(self) -> JobRecord | None:
        """Put the job in the queue; None when it cannot be, which is said in place."""
        if not self.start_button.isEnabled():
            return None
        self.starting.emit()
        sample = self._session.sample
        filters = {"all": "", "filter": self._filter, "sample": "" if sample is None else name_filter(sample.image)}
        options = {"recipe": self._recipe, "copies": self.copies, "filter": filters[self.which], "seed": self._seed}
        if not self._session.save_now(wait=True):
            self._failure = "The last strokes are not saved; copies would not have them."
            self._update()
            return None
        title = f"Augment with {self._title}"
        return self._queue.submit("augment", options, title, self._session.project.folder)

    def _is_ours(self, record: JobRecord) -> bool:
        is_here = record.project == self._session.project.folder
        return record.job == "augment" and is_here and record.options.get("recipe") == self._recipe

    def _follow(self, record: JobRecord) -> None:
        if self._is_ours(record):
            self._record = record
            self._failure = ""
            self._clock.start()
            self._update()

    def _take_change(self, record: JobRecord) -> None:
        if record is self._record:
            self._update()

    def _take_end(self, record: JobRecord) -> None:
        if record is not self._record:
            return
        if record.state in (JobState.FAILED, JobState.LOST):
            # The hint of a process that was killed is for trainings, and the banner has it.
            hint = "What is made stays" if record.state is JobState.LOST else record.hint
            self._failure = " ".join(f"{words[:1].upper()}{words[1:]}." for words in (record.message, hint) if words)
        self._clock.stop()
        self._look_soon()
        self._update()

    def _cancel(self) -> None:
        if self._record is not None:
            self._queue.cancel(self._record.id)

    @property
    def is_running(self) -> bool:
        """Whether a job makes copies with this recipe, or waits for its turn."""
        return self._record is not None and not self._record.state.is_end

    # --- counting

    def _take_topics(self, topics: Topics) -> None:
        if topics & _TOPICS:
            self._count_again()
            self._look_soon()

    def _count_again(self) -> None:
        if self.isVisible():
            self._count()
        else:
            self._is_stale = True

    def _count(self) -> None:
        """Which samples are meant: those of the training split that a job would take."""
        self._is_stale = False
        self._problem = ""
        table, sample = self._session.project.samples.table(), self._session.sample
        try:
            text = self._filter if self.which == "filter" else ""
            if asked_splits(text) - {Split.TRAIN}:
                self._problem = "The list shows another split; only training samples are ever copied."
            rows = usable_rows(table, text)
        except UserError as error:
            self._problem, rows = str(error), np.empty(0, np.intp)
        if self.which == "sample":
            chosen = -1 if sample is None else sample.id
            rows = rows[table.id[rows] == chosen]
        samples = table.id[rows]
        if not np.array_equal(samples, self._samples):
            self._look_soon()
        self._samples = samples
        self._update()

    def _look_soon(self) -> None:
        self._looking.start()

    def _look(self) -> None:
        """See what a job would find, in a thread: it may load Albumentations."""
        name, copies = self._recipe, self._session.project.augmented
        if not name:
            return
        asked = (name, self._samples, self.copies, self._seed)

        def take(future: "Future[Outlook]") -> None:
            error = future.exception()
            if error is not None and not isinstance(error, UserError | OSError):
                raise error
            # Of an older question nothing is told: the answer to the newer one is under way.
            if error is None and asked[0] == self._recipe and not self._looking.isActive():
                self._made = future.result()
                self._update()

        self._background.submit(lambda: copies.outlook(asked[0], asked[1].tolist(), *asked[2:]), take)

    # --- how it looks

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._count()

    def _build(self) -> None:
        self.copies_box = NumberBox(is_integer=True, minimum=1, maximum=999)
        self.copies_box.set_value(3)
        self.copies_box.setFixedWidth(theme.by_font(64))
        self.copies_box.setAccessibleName("Copies of each sample")
        self.copies_box.setToolTip("How many copies are made of each sample; the preview at full size shows them")
        self.copies_box.edited.connect(self._look_soon)
        self.copies_box.edited.connect(self._update)
        self.which_box = Combo()
        self.which_box.addItems(list(_WORDS.values()))
        self.which_box.setAccessibleName("Samples to copy")
        self.which_box.setToolTip("Validation and test samples are never copied: they judge what is learnt")
        self.which_box.currentIndexChanged.connect(lambda _index: self._count())
        self._words = muted(wraps=True)
        self._trouble = QLabel()
        self._trouble.setProperty("error", True)
        self._trouble.setWordWrap(True)
        self.agree_box = QCheckBox("I have read what is wrong: make them all the same")
        self.agree_box.toggled.connect(self._update)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setMaximum(1000)
        self.bar.setFixedHeight(8)
        self._progress = muted(wraps=True)
        self.start_button = push_button("Make copies", "Make the copies in the background (Jobs shows it)", self.start)
        self.cancel_button = push_button("Cancel", "Stop; what is made until then stays", self._cancel)
        self.browse_button = link("Browse copies", "Look at the copies, and keep single ones out of training")
        self.browse_button.clicked.connect(lambda _=False: self.copies_wanted.emit())
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.addWidget(self.copies_box, 0, 0)
        grid.addWidget(muted("of"), 0, 1)
        grid.addWidget(self.which_box, 0, 2)
        grid.setColumnStretch(2, 1)
        row = QHBoxLayout()
        row.addWidget(self.start_button)
        row.addWidget(self.cancel_button)
        row.addStretch(1)
        row.addWidget(self.browse_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(heading("Copies for training"))
        column.addLayout(grid)
        for widget in (self._words, self._trouble, self.agree_box, self.bar, self._progress):
            column.addWidget(widget)
        column.addLayout(row)

    def _update(self) -> None:
        with keeping_focus(self.cancel_button, self.start_button):
            self._show_state()

    def _show_state(self) -> None:
        total, there = len(self._samples) * self.copies, self._made.kept
        # Copies that are left over are removed by a job that has nothing to make.
        is_running, is_whole = self.is_running, 0 < total <= there and not self._made.removed
        is_writable = not self._session.project.read_only
        self._trouble.setText(self._problem or self._failure)
        self._trouble.setVisible(bool(self._problem or self._failure))
        self._words.setText(self._sentence(total, there))
        self.agree_box.setVisible(self._errors > 0 and not is_running)
        agrees = not self._errors or self.agree_box.isChecked()
        allow(
            self.start_button,
            (is_writable, READ_ONLY),
            (not self._is_empty, "the recipe has no step that is switched on"),
            (not self._problem, "see above"),
            (total > 0, "there is no training sample"),
            (not is_whole, "all copies are there"),
            (agrees, "the check has found errors: agree to them above"),
        )
        self.start_button.setVisible(not is_running)
        self.start_button.setText(self._verb(total, there))
        self.cancel_button.setVisible(is_running)
        self.browse_button.setVisible(self._made.total > 0 or is_running)
        for box in (self.copies_box, self.which_box):
            box.setEnabled(not is_running)
        self._show_progress(total, there)

    def _verb(self, total: int, there: int) -> str:
        if 0 < there < total and there + self._made.anew == total:
            return f"Make {number(self._made.anew)} anew"
        if 0 < there < total:
            return f"Resume: {number(there)} of {number(total)} made"
        if 0 < total <= there:
            return f"Remove {number(self._made.removed)}" if self._made.removed else "All are made"
        return f"Make {number(total)} copies" if total != 1 else "Make the copy"

    def _sentence(self, total: int, there: int) -> str:
        if self._is_empty:
            return "The recipe has no step that is enabled."
        if not len(self._samples):
            return "No training sample is meant: they want a mask, and a verdict other than flagged or rejected."
        samples = count_text(len(self._samples), "training sample")
        made = self._made
        parts = [f"{samples}, {count_text(total, 'copy', 'copies')}, seed {self._seed}"]
        if made.anew:
            parts.append(f"{number(made.anew)} of them anew: their mask, the recipe or the seed is another by now")
        if made.removed:
            parts.append(f"{number(made.removed)} will be removed: not asked for any more")
        if made.rejected:
            parts.append(f"{number(made.rejected)} rejected")
        return "  ·  ".join(parts)

    def _show_progress(self, total: int, there: int) -> None:
        record = self._record
        is_seen = self.is_running or 0 < there < total
        self.bar.setVisible(is_seen)
        self._progress.setVisible(self.is_running)
        set_property(self.bar, "resting", not self.is_running)
        if record is not None and self.is_running:
            self.bar.setMaximum(1000 if record.fraction is not None else 0)
            self.bar.setValue(round(1000 * (record.fraction or 0)))
            self._progress.setText(progress_text(record, "what is made stays", begin="starting…"))
            self.cancel_button.setText("End it now" if record.is_cancel_asked else "Cancel")
        elif is_seen:
            self.bar.setMaximum(1000)
            self.bar.setValue(round(1000 * there / max(total, 1)))
        self.setAccessibleDescription(self._progress.text() if self.is_running else self._words.text())


def usable_rows(table: SampleTable, text: str) -> np.ndarray:
    """The rows that a job would copy: of the training split, with a mask, usable, and as the filter says.

    Raises:
        UserError: When the filter cannot be read.
    """
    rows = compile_filter(f"{text} mask:yes problem:no".strip()).rows(table)
    states = [STATES.index(state) for state in USABLE]
    is_meant = (table.split[rows] == SPLITS.index(Split.TRAIN)) & np.isin(table.state[rows], states)
    return np.asarray(rows[is_meant])


def name_filter(image: str) -> str:
    """A filter that fits one image alone: as a pattern it is held against the whole path and not a part of it."""
    pattern = re.sub(r'[",*?]', "?", image[:-1]) + "?"
    return f'name:"{pattern}"'


def number(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")
