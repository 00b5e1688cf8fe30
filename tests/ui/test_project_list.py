"""What the panels that list samples have in common: what went wrong with reading is never swallowed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from segstudio.core.errors import UserError
from segstudio.project.project import Project
from segstudio.ui.panels.project_list import ProjectList
from segstudio.ui.rows_model import RowsModel
from segstudio.ui.session import Session
from tests.project.projects import make_project


class Counting(ProjectList[int]):
    """Lists how many samples there are, or fails in the way it is told."""

    TOPICS = frozenset({"samples"})
    HAS_BADGE = True
    WIDTHS = (80,)

    def __init__(self) -> None:
        super().__init__(RowsModel(), "Samples", "count", 0)
        self.shown: list[int] = []
        self.error: Exception | None = None

    def _reading(self, project: Project) -> Callable[[], int]:
        def read() -> int:
            if self.error is not None:
                raise self.error
            return len(project.samples.table())

        return read

    def _show(self, found: int) -> None:
        self.shown.append(found)


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    make_project(tmp_path, 3).close()
    session = Session(Project.open(tmp_path / "project", is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[Counting]:
    panel = Counting()
    qtbot.addWidget(panel)
    yield panel
    panel.close_threads()


def test_another_project_is_read_and_none_shows_nothing(qtbot: QtBot, panel: Counting, session: Session) -> None:
    panel.set_session(session)
    qtbot.waitUntil(lambda: panel.shown == [3])
    panel.set_session(None)
    assert panel.shown == [3, 0]


def test_a_bug_in_reading_is_raised(qtbot: QtBot, panel: Counting, session: Session) -> None:
    panel.error = KeyError("a bug")
    with qtbot.captureExceptions() as raised:
        panel.set_session(session)
        qtbot.waitUntil(lambda: not panel.is_busy)
    assert [kind for kind, _, _ in raised] == [KeyError]
    assert panel.shown == []


def test_what_cannot_be_read_leaves_the_list_as_it_is(qtbot: QtBot, panel: Counting, session: Session) -> None:
    panel.error = UserError("the index is damaged")
    panel.set_session(session)
    qtbot.waitUntil(lambda: not panel.is_busy)
    assert panel.shown == []


def test_a_project_that_is_left_while_it_is_read_is_not_shown(panel: Counting, session: Session) -> None:
    panel.set_session(session)
    panel.error = RuntimeError("the project has been closed")
    panel.set_session(session)
    panel.set_session(None)
    assert panel.shown[-1] == 0
    assert not panel.is_busy
