"""How volumes become slices: window, plane and channel, with a slice as it would be seen."""

from concurrent.futures import Future

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.formats import Unreadable
from segstudio.formats.window import WINDOWS, Bounds
from segstudio.ui.background import Background
from segstudio.ui.form import Form
from segstudio.ui.widgets import heading
from segstudio.volumes import Slicing
from segstudio.volumes.looking import Look

_PICTURE = QSize(220, 132)


class SlicingChoice(QFrame):
    """The options of volumes, and what they do to one of them.

    Attributes:
        cut: Told when volumes shall be cut another way, so that they have to be looked at again.
        changed: Told when anything was changed.
        form: The options.
    """

    cut = Signal()
    changed = Signal()

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        """Build it, hidden until there is a volume.

        Args:
            background: Reads the slice; whoever closes the volume does it there too, and so after it.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.setProperty("card", True)
        self._background = background
        self._look: Look | None = None
        self._shown: tuple[Look, str] | None = None
        self.form = Form(Slicing, suggestions={"window": ["auto", *WINDOWS]})
        self._cut_as = self.slicing
        self.form.changed.connect(self._follow)
        self.picture = QLabel()
        self.picture.setFixedHeight(_PICTURE.height())
        self.picture.setMaximumWidth(_PICTURE.width())
        self.picture.setWordWrap(True)  # for the words that stand there when the slice cannot be read
        content = QHBoxLayout()
        content.setSpacing(12)
        content.addWidget(self.picture)
        content.addWidget(self.form, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.addWidget(heading("Slices of the volumes"))
        layout.addLayout(content)
        self.hide()

    @property
    def slicing(self) -> Slicing:
        """The options as they stand; the last ones that made sense while something is being written."""
        if self.form.is_valid:
            self._slicing = Slicing(**self.form.values())
        return self._slicing

    @property
    def why_not(self) -> str:
        """What is wrong with the options, or an empty string."""
        if self.isHidden() or self.form.is_valid:
            return ""
        return "Choose a window that there is, or write centre/width."

    def show_look(self, look: Look | None) -> None:
        """Show a slice of this volume; None where there is none, and then nothing to choose either."""
        self.forget_look()
        self._look = look
        self.setVisible(look is not None)
        self._show_picture()

    def forget_look(self) -> None:
        """Read nothing more from the volume, which will be closed; the options stay, so that they can be mended."""
        self._look = self._shown = None

    def reset(self) -> None:
        """Back to the defaults, for another dataset."""
        with QSignalBlocker(self.form):
            self.form.reset()
        self._cut_as = self.slicing
        self.show_look(None)

    def _follow(self) -> None:
        slicing = self.slicing
        is_cut = slicing.replaced(window="auto") != self._cut_as.replaced(window="auto")
        self.changed.emit()
        if is_cut and self.form.is_valid and not self.isHidden():
            self._cut_as = slicing
            self.cut.emit()
        else:
            self._show_picture()

    def _show_picture(self) -> None:
        look, window = self._look, self.slicing.window
        if look is None or self._shown == (look, window) or not self.form.is_valid:
            return
        self._shown = look, window

        def take(future: "Future[tuple[np.ndarray, Bounds | None]]") -> None:
            if self._shown == (look, window):
                self._take_picture(look.name, future)

        self._background.submit(lambda: look.picture(window), take)

    def _take_picture(self, name: str, future: "Future[tuple[np.ndarray, Bounds | None]]") -> None:
        error = future.exception()
        if isinstance(error, UserError | Unreadable):
            self.picture.setText(error.reason if isinstance(error, Unreadable) else error.message)
            self.form.set_notes({})
            return
        found, seen = future.result()
        words = "8 bits, as they are" if seen is None else f"black up to {seen[0]:.6g}, white from {seen[1]:.6g}"
        self.form.set_notes({"window": words})
        pixels = np.ascontiguousarray(found)
        height, width = pixels.shape[:2]
        grey, colour = QImage.Format.Format_Grayscale8, QImage.Format.Format_RGB888
        image = QImage(pixels.data, width, height, pixels.strides[0], grey if pixels.ndim == 2 else colour)
        ratio = self.devicePixelRatioF()
        scaled = QPixmap.fromImage(image).scaled(
            _PICTURE * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        scaled.setDevicePixelRatio(ratio)
        self.picture.setPixmap(scaled)
        self.picture.setToolTip(f"The middle slice of {name}, as it will be seen")
        self.picture.setAccessibleName(self.picture.toolTip())
