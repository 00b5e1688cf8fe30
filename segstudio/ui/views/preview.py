"""Preview: the chosen sample and what a recipe makes of it, live while the recipe is edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from PySide6.QtCore import QMargins, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from segstudio.augmentation.augmenter import seed_of
from segstudio.augmentation.recipe import Recipe
from segstudio.ui import theme
from segstudio.ui.combo import Combo
from segstudio.ui.number_box import NumberBox
from segstudio.ui.session import Session
from segstudio.ui.views.tiles import Tiles, applied_text
from segstudio.ui.views.variations import Made, Pair, ProjectDonors, Variation, Variations
from segstudio.ui.widgets import ElidedLabel, divider, muted, text_button
from segstudio.ui.wrapping_bar import WrappingBar

Scale = Literal["trained", "full"]

MOST = 24
"""Variations that are shown at once."""

SLOW_MS = 300
"""What takes longer says that it is at work."""

DEFAULT_SIDE = 224

ROUNDS = 64
"""Questions that are remembered; there are two threads, so no more than two of them are still under way."""


class Subject(NamedTuple):
    """What pictures are of: while only values of steps change, the last ones may stay until there are new ones.

    Attributes:
        sample: Its id.
        side: At which the recipe is applied, None for full size.
        recipe: Its name.
        is_extreme: Whether the ends of ranges are shown.
    """

    sample: int
    side: int | None
    recipe: str
    is_extreme: bool


@dataclass(frozen=True, eq=False)
class Extreme:
    """A variation in place of those by chance.

    Attributes:
        title: Which end it shows.
        detail: Of what.
        recipe: What is done.
    """

    title: str
    detail: str
    recipe: Recipe


class PreviewView(QWidget):
    """The original and n variations of the sample on screen.

    Variation k at the size of a training is what epoch k of a training with this seed sees; at full size it is copy k
    of a queue with this seed.

    Attributes:
        settings_changed: Told after the person changed seed, number or size.
        tiles: The pictures.
        donors: What recipes take from other samples.
    """

    settings_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.donors = ProjectDonors(session.project)
        self._recipe: Recipe | None = None
        self._extremes: tuple[Extreme, ...] = ()
        self._message = "Loading Albumentations…"
        self._side = DEFAULT_SIDE
        self._is_stale = True
        self._pair: Pair | None = None
        self._pair_of = (0, 0)
        self._round = 0
        self._titles: list[str] = []
        self._names: Mapping[str, str] = {}
        self._variations = Variations(self)
        self._variations.made.connect(self._take)
        self.tiles = Tiles()
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._on_slow)
        self._subject: Subject | None = None
        self._subjects: dict[int, Subject] = {}
        self._seen: dict[int, Subject] = {}
        self._build()
        session.sample_changed.connect(lambda _sample: self.refresh())
        session.history_changed.connect(self.refresh)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    # --- what others ask

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being made."""
        return self._variations.is_busy or self._slow.isActive()

    @property
    def seed(self) -> int:
        """The seed that is shown."""
        value = self.seed_box.value()
        return max(0, value) if isinstance(value, int) else 0

    @property
    def count(self) -> int:
        """How many variations are shown."""
        value = self.count_box.value()
        return min(max(1, value), MOST) if isinstance(value, int) else 1

    @property
    def scale(self) -> Scale:
        """At which size the recipe is applied."""
        return "full" if self.size_box.currentIndex() == 1 else "trained"

    def state(self) -> dict[str, Any]:
        """What should be remembered, as plain values."""
        return {"seed": self.seed, "count": self.count, "scale": self.scale, "outline": self.outline_button.isChecked()}

    def restore(self, state: dict[str, Any]) -> None:
        """Show as `state` said some time ago."""
        with QSignalBlocker(self.seed_box), QSignalBlocker(self.count_box), QSignalBlocker(self.size_box):
            self.seed_box.set_value(int(state.get("seed") or 0))
            self.count_box.set_value(min(max(1, int(state.get("count") or 5)), MOST))
            self.size_box.setCurrentIndex(1 if state.get("scale") == "full" else 0)
        self.outline_button.setChecked(bool(state.get("outline", True)))
        self.refresh()

    def show_recipe(self, recipe: Recipe | None, message: str = "") -> None:
        """Show what a recipe does; the message stands where there is none."""
        self._recipe, self._message = recipe, message
        self.refresh()

    def show_extremes(self, extremes: Sequence[Extreme]) -> None:
        """Show these in place of variations by chance, until they are none."""
        self._extremes = tuple(extremes)
        self.refresh()

    def set_side(self, side: int) -> None:
        """The size at which trainings see the images, in pixels."""
        self._side = side
        self.size_box.setItemText(0, f"As trained: {side} px")
        self.refresh()

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """What the catalogue calls the transforms."""
        self._names = titles
        self.refresh()

    def step_seed(self, by: int) -> None:
        """Go to another seed."""
        self.seed_box.set_value(max(0, self.seed + by))

    def set_comparing(self, is_on: bool) -> None:
        """Show the original in every tile."""
        was_blocked = self.compare_button.blockSignals(True)
        self.compare_button.setDown(is_on)
        self.compare_button.blockSignals(was_blocked)
        original = self.tiles.tiles[0].face if is_on and self.tiles.tiles else None
        self.tiles.compare(original)

    def close_threads(self) -> None:
        """Stop all that runs."""
        self._slow.stop()
        self._variations.close()

    # --- asking and showing

    def refresh(self) -> None:
        """Ask anew; behind another tab that waits until somebody looks."""
        if not self.isVisible():
            self._is_stale = True
            return
        self._is_stale = False
        session = self._session
        if self._recipe is None or session.loaded is None or session.sample is None or session.document is None:
            self._clear(self._message if self._recipe is None else self._reason())
            return
        pair = self._current_pair()
        faces = self._asked(session.sample.image)
        self._titles = ["Original", *(title for title, _ in faces)]
        self.tiles.set_count(len(self._titles))
        self.tiles.set_shape(*((1, 1) if pair.side else (pair.image.shape[1], pair.image.shape[0])))
        for index, title in enumerate(self._titles):
            self.tiles.tiles[index].header.show_title(title)
        self._round = self._variations.ask(pair, [Variation(None), *(variation for _, variation in faces)])
        self._subject = Subject(session.sample.id, pair.side, self._recipe.name, bool(self._extremes))
        # A question before the last one may still be answered; of older ones the first picture is long there.
        self._subjects = {number: one for number, one in self._subjects.items() if number > self._round - ROUNDS}
        self._subjects[self._round] = self._subject
        self._slow.start()

    def _reason(self) -> str:
        problem = self._session.problem
        return problem.message if problem is not None else "Choose a sample in the list"

    def _asked(self, image: str) -> list[tuple[str, Variation]]:
        assert self._recipe is not None
        if self._extremes:
            seed = seed_of(self.seed, "epoch", 1, image)
            return [(one.title, Variation(one.recipe, seed)) for one in self._extremes]
        if self.scale == "trained":
            numbered = [(f"Epoch {k}", seed_of(self.seed, "epoch", k, image)) for k in range(1, self.count + 1)]
        else:
            numbered = [(f"Copy {k}", seed_of(self.seed, image, k)) for k in range(1, self.count + 1)]
        return [(title, Variation(self._recipe, seed)) for title, seed in numbered]

    def _current_pair(self) -> Pair:
        """The sample as it is now; the same object as long as it is the same."""
        session = self._session
        assert session.loaded is not None
        assert session.document is not None
        side = self._side if self.scale == "trained" else None
        key = (id(session.document), session.document.revision_counter)
        is_same = self._pair is not None and self._pair.image is session.loaded.image and self._pair.side == side
        if self._pair is None or not is_same or key != self._pair_of:
            assert session.sample is not None
            mask, source = session.document.snapshot().mask, session.sample.image
            self._pair = Pair(session.loaded.image, mask, side, source, self.donors)
            self._pair_of = key
        return self._pair

    def _clear(self, message: str) -> None:
        self._pair = None
        self._slow.stop()
        self._tell("")
        self.tiles.set_count(1)
        self.tiles.tiles[0].header.show_title("Original")
        self.tiles.tiles[0].header.show_detail("")
        self.tiles.tiles[0].show_face(None, message)

    def _take(self, made: Made) -> None:
        if made.number >= len(self.tiles.tiles) or self._pair is None:
            return
        if self._subjects.get(made.round) != self._subject:
            return  # of another sample or recipe: titles and sizes would be wrong for it
        self._seen[made.number] = self._subjects[made.round]
        tile = self.tiles.tiles[made.number]
        problem = made.problem
        tile.show_face(made.face, "" if problem is None else f"{problem.message}\n{problem.hint}".strip())
        is_extreme = bool(self._extremes) and made.number > 0
        detail = self._extremes[made.number - 1].detail if is_extreme else _detail(made, self._names)
        tile.header.show_detail(detail)
        words = (
            applied_text(made.applied, self._names)
            if made.number
            else f"{made.face.width} × {made.face.height} px"
            if made.face
            else ""
        )
        tile.canvas.setToolTip(words if problem is None else problem.message)
        title = self._titles[made.number] if made.number < len(self._titles) else ""
        tile.canvas.setAccessibleName(f"{detail}, {title}" if is_extreme else title)
        tile.canvas.setAccessibleDescription(words)
        if not self._variations.is_busy:
            self._slow.stop()
            self._tell("")

    def _on_slow(self) -> None:
        """Say that it takes long, and no longer show what belongs to another sample or recipe."""
        self._tell("computing…")
        for number, tile in enumerate(self.tiles.tiles):
            if self._seen.get(number) != self._subject:
                tile.show_face(None, "computing…")
                tile.header.show_detail("")
                tile.canvas.setToolTip("")

    def _tell(self, text: str) -> None:
        self._status.setText(text)

    # --- events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self.set_comparing(False)
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.set_comparing(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self.set_comparing(False)

    # --- how it looks

    def _build(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Preview of the recipe")
        self.count_box = NumberBox(is_integer=True, minimum=1, maximum=MOST)
        self.count_box.set_value(5)
        self.count_box.edited.connect(self._on_setting)
        self.seed_box = NumberBox(is_integer=True, minimum=0, maximum=2**31 - 1)
        self.seed_box.set_value(0)
        self.seed_box.edited.connect(self._on_setting)
        self.size_box = Combo()
        self.size_box.addItems([f"As trained: {DEFAULT_SIDE} px", "Full size, as queued"])
        self.size_box.setMinimumContentsLength(17)
        self.size_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.size_box.setMaximumWidth(theme.by_font(216))
        self.size_box.currentIndexChanged.connect(self._on_setting)
        help_of_size = "The size at which the recipe is applied: as a training sees the image, or as copies are written"
        self.size_box.setItemData(0, "Epoch k is what epoch k of a training with this seed sees",
                                  Qt.ItemDataRole.ToolTipRole)  # fmt: skip
        self.size_box.setItemData(1, "Copy k is what the queue writes with this seed", Qt.ItemDataRole.ToolTipRole)
        self.previous_button = text_button("", "The seed before")
        self.previous_button.clicked.connect(lambda _=False: self.step_seed(-1))
        self.next_button = text_button("", "The next seed: other variations")
        self.next_button.clicked.connect(lambda _=False: self.step_seed(1))
        self.compare_button = text_button(
            "Original", "Hold to see the original in every picture (H, or Space in the preview)"
        )
        self.compare_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.compare_button.pressed.connect(lambda: self.set_comparing(True))
        self.compare_button.released.connect(lambda: self.set_comparing(False))
        self.outline_button = text_button("", "Show the outline of the mask")
        self.outline_button.setCheckable(True)
        self.outline_button.setChecked(True)
        self.outline_button.toggled.connect(self.tiles.set_outlined)
        self.outline_button.toggled.connect(lambda _is_on: self.settings_changed.emit())
        for box, name, words in (
            (self.count_box, "Variations", "How many variations are shown"),
            (self.seed_box, "Seed", "The same seed shows the same pictures, and a training with it learns from them"),
            (self.size_box, "Size", help_of_size),
        ):
            box.setAccessibleName(name)
            box.setToolTip(words)
        self.count_box.setFixedWidth(theme.by_font(64))
        self.seed_box.setFixedWidth(theme.by_font(92))
        for button in (self.previous_button, self.next_button, self.compare_button, self.outline_button):
            button.setAccessibleName(button.toolTip())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._status = ElidedLabel()
        self._status.setProperty("muted", True)
        self._status.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._status.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.tiles, 1)
        layout.addWidget(self._bar())

    def _bar(self) -> WrappingBar:
        seed = (_label("Seed", self.seed_box), self.previous_button, self.seed_box, self.next_button)
        bar = WrappingBar(
            (_label("Variations", self.count_box), self.count_box, *seed),
            (self.size_box, self._status, divider(), self.outline_button, self.compare_button),
            margins=QMargins(12, 5, 8, 5),
        )
        bar.setProperty("card", True)
        return bar

    def _on_setting(self) -> None:
        self.refresh()
        self.settings_changed.emit()

    def _dress(self) -> None:
        for button, name in (
            (self.previous_button, "previous"),
            (self.next_button, "next"),
            (self.compare_button, "image"),
            (self.outline_button, "mask"),
        ):
            button.setIcon(theme.icon(name))


def _label(text: str, buddy: QWidget) -> QLabel:
    label = muted(text)
    label.setBuddy(buddy)
    return label


def _detail(made: Made, names: Mapping[str, str]) -> str:
    if made.problem is not None:
        return "cannot be made"
    if made.number == 0:
        return _size(made)
    applied = [str(one["transform"]) for one in made.applied]
    return " · ".join(names.get(name, name) for name in applied) or "nothing applied"


def _size(made: Made) -> str:
    return "" if made.face is None else f"{made.face.width} × {made.face.height} px"
