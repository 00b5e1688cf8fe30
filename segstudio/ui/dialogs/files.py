"""The questions for files and folders, in the desktop's own dialogs; None when the person thinks better of it."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from segstudio.ui.dialogs import places
from segstudio.volumes import all_suffixes


def choose_dataset_folder(parent: QWidget) -> Path | None:
    """A folder of images and masks."""
    return _folder(parent, "Folder with images and masks", "dataset")


def choose_dataset_file(parent: QWidget) -> Path | None:
    """A zip of images and masks, or a volume."""
    patterns = " ".join(f"*{suffix}" for suffix in (".zip", *all_suffixes()))
    what = f"Archives and volumes ({patterns});;All files (*)"
    return _existing(parent, "Archive with images and masks, or a volume", "dataset", what)


def choose_project(parent: QWidget) -> Path | None:
    """A project's folder."""
    return _folder(parent, "Open a project", "project")


def choose_demo_folder(parent: QWidget) -> Path | None:
    """Where demo projects are made."""
    return _folder(parent, "Make the demo projects in this empty folder", "project")


def choose_export_folder(parent: QWidget) -> Path | None:
    """Where masks are written."""
    return _folder(parent, "Export all masks into this folder", "export")


def choose_report_file(parent: QWidget) -> Path | None:
    """Where the report is written."""
    return _new(parent, "Export report", "report.html", "Web pages (*.html)")


def choose_curves_file(parent: QWidget, kind: str) -> Path | None:
    """Where the curves of a training are written, as "csv" or "png"."""
    title, what = ("Export figures", "Tables (*.csv)") if kind == "csv" else ("Export picture", "Pictures (*.png)")
    return _new(parent, title, f"curves.{kind}", what)


def choose_bundle_file(parent: QWidget) -> Path | None:
    """Where a bundle for another reader is written."""
    return _new(parent, "Export for another reader", "reader.zip", "Bundles (*.zip)")


def choose_bundle(parent: QWidget) -> Path | None:
    """A bundle that another reader has made."""
    return _existing(parent, "Import from another reader", "import", "Bundles (*.zip)")


def _folder(parent: QWidget, title: str, kind: places.Kind) -> Path | None:
    return _kept(QFileDialog.getExistingDirectory(parent, title, places.start(kind)), kind)


def _existing(parent: QWidget, title: str, kind: places.Kind, what: str) -> Path | None:
    return _kept(QFileDialog.getOpenFileName(parent, title, places.start(kind), what)[0], kind)


def _new(parent: QWidget, title: str, name: str, what: str) -> Path | None:
    return _kept(QFileDialog.getSaveFileName(parent, title, places.start("export", name), what)[0], "export")


def _kept(path: str, kind: places.Kind) -> Path | None:
    if not path:
        return None
    places.remember(kind, path)
    return Path(path)
