"""Pictures of the real window on real projects: `python -m segstudio.ui.screenshots FOLDER PROJECT ...`."""

import sys
from pathlib import Path

from PySide6.QtCore import QElapsedTimer
from PySide6.QtWidgets import QApplication

from segstudio.ui import app as application
from segstudio.ui.theme import Choice
from segstudio.ui.window import Window

SIZE = (1440, 900)
THEMES: tuple[Choice, ...] = ("dark", "light")
WAIT_MS = 30_000


def main(arguments: list[str]) -> int:
    """Take a dark and a light picture of the worst sample of every project; prints the paths, one a line."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    app, window = application.build(["segstudio"])
    window.resize(*SIZE)
    window.show()
    for project in map(Path, arguments[1:]):
        for choice in THEMES:
            path = folder / f"{project.name}-{choice}.png"
            take(app, window, project, choice, path)
            print(path)  # noqa: T201
    window.close()
    return 0


def take(app: QApplication, window: Window, project: Path, choice: Choice, path: Path) -> None:
    """One picture of the window on the worst sample of a project, when its image and thumbnails are there."""
    window.set_theme(choice)
    window.open_project(project)
    window.samples_panel.set_sort("iou")
    window.samples_panel.select_first()
    clock = QElapsedTimer()
    clock.start()
    while not window.is_settled() and clock.elapsed() < WAIT_MS:
        app.processEvents()
    window.grab().save(str(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
