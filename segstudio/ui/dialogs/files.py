"""The questions for files and folders, in the desktop's own dialogs; None when the person thinks better of it."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def choose_dataset_folder(parent: QWidget) -> Path | None:
    """A folder of images and masks."""
    return _folder(parent, "Folder with images and masks")


def choose_archive(parent: QWidget) -> Path | None:
    """A zip of images and masks."""
    path, _ = QFileDialog.getOpenFileName(parent, "Archive with images and masks", "", "Archives (*.zip)")
    return Path(path) if path else None


def choose_project(parent: QWidget) -> Path | None:
    """A project's folder."""
    return _folder(parent, "Open a project")


def choose_demo_folder(parent: QWidget) -> Path | None:
    """Where demo projects are made."""
    return _folder(parent, "Make the demo projects in this empty folder")


def choose_export_folder(parent: QWidget) -> Path | None:
    """Where masks are written."""
    return _folder(parent, "Export all masks into this folder")


def choose_report_file(parent: QWidget) -> Path | None:
    """Where the report is written."""
    path, _ = QFileDialog.getSaveFileName(parent, "Export report", "report.html", "Web pages (*.html)")
    return Path(path) if path else None


def choose_curves_file(parent: QWidget, kind: str) -> Path | None:
    """Where the curves of a training are written, as "csv" or "png"."""
    title, what = ("Export figures", "Tables (*.csv)") if kind == "csv" else ("Export picture", "Pictures (*.png)")
    path, _ = QFileDialog.getSaveFileName(parent, title, f"curves.{kind}", what)
    return Path(path) if path else None


def choose_bundle_file(parent: QWidget) -> Path | None:
    """Where a bundle for another reader is written."""
    path, _ = QFileDialog.getSaveFileName(parent, "Export for another reader", "reader.zip", "Bundles (*.zip)")
    return Path(path) if path else None


def choose_bundle(parent: QWidget) -> Path | None:
    """A bundle that another reader has made."""
    path, _ = QFileDialog.getOpenFileName(parent, "Import from another reader", "", "Bundles (*.zip)")
    return Path(path) if path else None


def _folder(parent: QWidget, title: str) -> Path | None:
    path = QFileDialog.getExistingDirectory(parent, title)
    return Path(path) if path else None
