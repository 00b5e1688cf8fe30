"""Where dialogs for files begin."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from segstudio.ui.dialogs import files, places


@pytest.fixture(autouse=True)
def documents(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    QSettings().clear()
    folder = tmp_path / "Documents"
    folder.mkdir()
    monkeypatch.setattr(places, "documents", lambda: folder)
    return folder


def test_a_dialog_begins_in_documents_and_then_where_the_last_file_lay(documents: Path, tmp_path: Path) -> None:
    assert places.start("export", "report.html") == str(documents / "report.html")
    assert places.start("project") == str(documents)
    (documents / "SegStudio").mkdir()
    assert places.start("project") == str(documents / "SegStudio")
    there = tmp_path / "there"
    there.mkdir()
    places.remember("export", there / "report.html")
    assert places.start("export", "curves.csv") == str(there / "curves.csv")
    assert places.start("import") == str(documents), "each kind has its own place"
    there.rmdir()
    assert places.start("export") == str(documents), "a place that is gone is not proposed"


def test_the_report_is_proposed_there(
    qapp: QApplication, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = []

    def answer(_parent: QWidget, _title: str, path: str, _kinds: str) -> tuple[str, str]:
        proposed.append(path)
        return str(tmp_path / "mine.html") if len(proposed) < 3 else "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    parent = QWidget()
    assert files.choose_report_file(parent) == tmp_path / "mine.html"
    assert files.choose_report_file(parent) == tmp_path / "mine.html"
    assert files.choose_report_file(parent) is None
    assert proposed == [str(documents / "report.html"), str(tmp_path / "report.html"), str(tmp_path / "report.html")]
