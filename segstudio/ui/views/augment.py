"""The view of the Augment panel: the preview of the recipe, or the copies that it has made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from segstudio.core.sample import Sample, Split
from segstudio.ui.session import Session
from segstudio.ui.views.preview import PreviewView
from segstudio.ui.widgets import ElidedLabel, set_property

if TYPE_CHECKING:
    from segstudio.ui.views.copies import CopiesView

_WORDS = {Split.VAL: "validation"}


class AugmentView(QWidget):
    """Two pages under a line that says which sample is looked at.

    Attributes:
        preview: What the recipe does to the sample on screen.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._copies: CopiesView | None = None
        self._recipe = ""
        self._titles: Mapping[str, str] = {}
        self.preview = PreviewView(session)
        self._about = ElidedLabel()
        self._about.setProperty("muted", True)
        self._about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.preview)
        self.preview_button = _segment("Preview", "What the recipe does to the chosen sample", "first")
        self.copies_button = _segment("Copies", "The copies that the queue has made with this recipe", "last")
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(2, 0, 4, 0)
        row.setSpacing(0)
        for button in (self.preview_button, self.copies_button):
            group.addButton(button)
            row.addWidget(button)
        row.addSpacing(12)
        row.addWidget(self._about, 1)
        self.preview_button.setChecked(True)
        self.preview_button.clicked.connect(lambda _=False: self.show_preview())
        self.copies_button.clicked.connect(lambda _=False: self.show_copies())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        self.setFocusProxy(self.preview)
        session.sample_changed.connect(self._show_sample)
        self._show_sample(session.sample)

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being made."""
        return self.preview.is_busy or (self._copies is not None and self._copies.is_busy)

    @property
    def copies(self) -> "CopiesView":
        """The gallery of copies, made when it is first looked at."""
        if self._copies is None:
            from segstudio.ui.views.copies import CopiesView

            self._copies = CopiesView(self._session)
            self._copies.set_titles(self._titles)
            self._copies.set_recipe(self._recipe)
            self._stack.addWidget(self._copies)
        return self._copies

    @property
    def is_preview_shown(self) -> bool:
        """Whether the preview is in front, and not the copies."""
        return self._stack.currentWidget() is self.preview

    def set_recipe_name(self, name: str) -> None:
        """Show the copies of this recipe."""
        if name != self._recipe:
            self._recipe = name
            if self._copies is not None:
                self._copies.set_recipe(name)

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """What the catalogue calls the transforms."""
        self._titles = titles
        self.preview.set_titles(titles)
        if self._copies is not None:
            self._copies.set_titles(titles)

    def set_comparing(self, is_on: bool) -> None:
        """Show the original in every picture of the preview."""
        self.preview.set_comparing(is_on and self.is_preview_shown)

    def show_preview(self) -> None:
        """Bring the preview to the front."""
        self._show(self.preview, self.preview_button)

    def show_copies(self) -> None:
        """Bring the copies to the front."""
        self._show(self.copies, self.copies_button)

    def close_threads(self) -> None:
        """Stop all that runs."""
        self.preview.close_threads()
        if self._copies is not None:
            self._copies.close_threads()

    def _show(self, page: QWidget, button: QPushButton) -> None:
        button.setChecked(True)
        self._stack.setCurrentWidget(page)
        self.setFocusProxy(page)
        self._show_sample(self._session.sample)

    def _show_sample(self, sample: Sample | None) -> None:
        words, is_other = "", False
        if sample is not None and self.is_preview_shown:
            is_other = sample.split is not Split.TRAIN
            split = _WORDS.get(sample.split, str(sample.split))
            words = f"{sample.name}  ·  {split} split" + (": never augmented, shown as an example" if is_other else "")
        self._about.setText(words)
        self._about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def _segment(text: str, help_text: str, place: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(help_text)
    set_property(button, "segment", place)
    return button
