"""Flip: one image under two runs at the same place, the one before and the one of now, turned over or blinking.

Looking changes nothing: the run whose predictions the window shows stays the one that it is.
"""

from concurrent.futures import Future
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.labels import without_errors
from segstudio.core.scaling import scaled_mask
from segstudio.core.threshold import predicted_at
from segstudio.project.project import Project
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import FALSE_NEGATIVE, FALSE_POSITIVE, Colour
from segstudio.ui.session import Session
from segstudio.ui.views.pictures import Picture, Pixels, compared, small, to_image
from segstudio.ui.widgets import ElidedLabel, muted, push_button

SIDE = 300
"""Height of the picture on the screen at most; it is made twice as large, for screens with small pixels."""

STEP_MS = 700
"""Each side is seen for so long while it turns by itself."""


@dataclass(frozen=True)
class Flipped:
    """One image and how it scores under both runs.

    Attributes:
        sample: Id of the sample.
        image: Its path.
        runs: The run before and the run now.
        scores: What the image scores under each.
        metric: What a score is called.
    """

    sample: int
    image: str
    runs: tuple[int, int]
    scores: tuple[float, float]
    metric: str


class Flip(QWidget):
    """The picture, and beside it whose errors it shows.

    Signals:
        opened: Told the id of the sample that the person wants to see in Review.
    """

    opened = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = session.project
        self._background = Background("flip", self)
        self.shown: Flipped | None = None
        self._faces: tuple[Pixels, Pixels] | None = None
        self.is_now = True
        self._turning = QTimer(self, interval=STEP_MS)
        self._turning.timeout.connect(self.turn)
        self.picture = Picture("Errors of the run that is named beside it", SIDE)
        self.picture.set_clickable()
        self.picture.setToolTip("Click, or press Space, for the other run; double-click to see it in Review")
        self.picture.clicked.connect(self.turn)
        self.picture.opened.connect(self._open)
        self._name = ElidedLabel()
        self._whose = QLabel(wordWrap=True)
        self._whose.setProperty("title", True)
        self._score = QLabel(wordWrap=True)
        self.turn_button = push_button("Other run", "See the same place under the other run  (Space)", self.turn)
        self.blink_button = QPushButton("Blink")
        self.blink_button.setCheckable(True)
        self.blink_button.setToolTip("Let the two runs follow each other by themselves")
        self.blink_button.toggled.connect(self._blink)
        self.open_button = push_button(
            "See in Review", "Bring the image to the panes under this run, with the other as the one before", self._open
        )
        self._legend = muted(wraps=True)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setText(f"{_mark(FALSE_POSITIVE)} predicted, not in the mask<br>{_mark(FALSE_NEGATIVE)} missed")
        self._lay_out()

    @property
    def is_busy(self) -> bool:
        """Whether the image is being read."""
        return self._background.is_busy

    @property
    def words(self) -> str:
        """Whose errors are shown."""
        return self._whose.text()

    def show_image(self, flipped: Flipped | None) -> None:
        """Show another image as the run of now sees it; None shows none."""
        self.setVisible(flipped is not None)
        if flipped == self.shown:
            return
        self.shown, self._faces, self.is_now = flipped, None, True
        self.picture.show_image(None)
        if flipped is None:
            return
        self._name.setText(flipped.image.rpartition("/")[2])
        self._say("")
        project = self._project
        self._background.submit(
            lambda: _faces(project, flipped) if flipped is self.shown else None,
            lambda future: self._take(flipped, future),
        )

    def turn(self) -> None:
        """Show the other run."""
        if self._faces is not None:
            self.is_now = not self.is_now
            self._show()

    def close_threads(self) -> None:
        """Read no more."""
        self.shown = None
        self._turning.stop()
        self._background.close()

    def hideEvent(self, event: QHideEvent) -> None:
        self.blink_button.setChecked(False)  # nobody sees it turn
        super().hideEvent(event)

    def _blink(self, is_on: bool) -> None:
        if is_on:
            self.turn()
            self._turning.start()
        else:
            self._turning.stop()

    def _take(self, flipped: Flipped, future: "Future[tuple[Pixels, Pixels] | None]") -> None:
        if flipped is not self.shown:
            return
        error = future.exception()
        if error is not None and not isinstance(error, UserError | OSError | KeyError):
            raise error
        if error is not None:
            self._say(error.message if isinstance(error, UserError) else "It cannot be read.")
            return
        self._faces = future.result()
        self._show()

    def _show(self) -> None:
        if self._faces is not None:
            self.picture.show_image(to_image(self._faces[self.is_now]))
            self._say("")

    def _say(self, problem: str) -> None:
        """Say whose errors are shown, or what stands in the way."""
        flipped = self.shown
        assert flipped is not None
        self._whose.setText(f"Run {flipped.runs[self.is_now]:04}")
        when = "now" if self.is_now else "before"
        self._score.setText(problem or f"{when}: {flipped.metric} {flipped.scores[self.is_now]:.3f}")
        for button in (self.turn_button, self.blink_button):
            button.setEnabled(self._faces is not None)

    def _open(self) -> None:
        if self.shown is not None:
            self.opened.emit(self.shown.sample)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        for label in (self._name, self._whose, self._score, self._legend):
            words.addWidget(label)
        words.addStretch(1)
        for button in (self.turn_button, self.blink_button, self.open_button):
            words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self.picture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.picture.setFixedHeight(SIDE)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self.picture, 3)
        layout.addLayout(words, 2)


def _mark(colour: Colour) -> str:
    red, green, blue = colour
    return f'<span style="color:rgb({red},{green},{blue})">&#9644;</span>'


def _faces(project: Project, flipped: Flipped) -> tuple[Pixels, Pixels]:
    """In a thread: the errors of both runs, as small pictures.

    Raises:
        UserError: When a file cannot be read, or one of the two has not predicted the image (any more).
    """
    sample = project.samples.get(flipped.sample)
    truth = project.masks.load(sample)
    shown = small(project.read_image(sample), truth, 2 * SIDE)
    assert shown.mask is not None
    height, width = shown.mask.shape
    faces = []
    for run in flipped.runs:
        probability = project.predictions.load(run, sample)
        if probability is None:
            raise UserError(f"Run {run:04} has no prediction of it any more.", "let the two meet again")
        predicted = predicted_at(probability, project.predictions.level(run))
        predicted = without_errors(predicted, truth, project.ignored.between(run, sample))
        faces.append(compared(shown.rgb, shown.mask, scaled_mask(predicted, height, width)))
    return faces[0], faces[1]
