"""Where the dialogs for files begin: where the last file of the same kind lay, and before the first in Documents."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QSettings, QStandardPaths
from PySide6.QtWidgets import QFileDialog

Kind = Literal["dataset", "project", "export", "import"]
"""What is chosen: images and masks, a project, a file to write for others, or one to read from others."""


def start(kind: Kind, name: str = "") -> str:
    """The folder where a dialog begins, with the proposed name of a file in it if there is one."""
    last = str(QSettings().value(f"places/{kind}", ""))
    folder = Path(last) if last and Path(last).is_dir() else documents()
    if not last and kind == "project" and (folder / "SegStudio").is_dir():
        folder /= "SegStudio"  # where new projects are proposed to lie
    return str(folder / name if name else folder)


def remember(kind: Kind, path: str | Path) -> None:
    """Begin the next dialog where this file, or this folder, lies."""
    QSettings().setValue(f"places/{kind}", str(Path(path).absolute().parent))


def watch(dialog: QFileDialog, kind: Kind) -> None:
    """Remember what is chosen in a dialog that does not wait for its answer."""
    dialog.fileSelected.connect(lambda path: remember(kind, path))


def documents() -> Path:
    """The folder of the person's documents; their home where there is none."""
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation) or Path.home())
    return folder if folder.is_dir() else Path.home()
