from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest

from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from segstudio.project.sorting import SORT_KEYS
from segstudio.ui.panels.samples import EXAMPLES, SORTS, SamplesPanel
from segstudio.ui.panels.samples_model import SamplesModel
from segstudio.ui.session import Session
from tests.ui.projects import make_project, predict_noisily


@pytest.fixture
def session(qtbot, tmp_path: Path):
    one = Session(Project.open(make_project(tmp_path, 8), is_editor=True))
    predict_noisily(one.project)
    yield one
    assert one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(qtbot, session: Session):
    one = SamplesPanel(session)
    qtbot.addWidget(one, before_close_func=lambda _: one.close_threads())
    one.resize(280, 700)
    one.chosen.connect(session.show)
    one.restore("", "iou")
    one.show()
    qtbot.waitUntil(lambda: not one.is_busy)
    return one


def listed(qtbot, panel: SamplesPanel) -> list[int]:
    qtbot.waitUntil(lambda: not panel.is_busy)
    return panel.ids()


def arrive(qtbot, session: Session) -> int:
    qtbot.waitUntil(lambda: session.sample is not None and not session.is_busy)
    assert session.sample is not None
    return session.sample.id


def test_the_worst_prediction_comes_first(qtbot, panel: SamplesPanel, session: Session):
    table = session.project.samples.table()
    ious = [float(table.iou[table.index_of(sample_id)]) for sample_id in listed(qtbot, panel)]
    assert ious == sorted(ious)
    assert panel.count_label.text() == "8 of 8 shown"


def test_typing_a_filter_lists_what_fits(qtbot, panel: SamplesPanel):
    QTest.keyClicks(panel.filter_edit, "split:test")
    qtbot.waitUntil(lambda: panel.count_label.text() == "2 of 8 shown")
    words = panel.count_label.fontMetrics().horizontalAdvance("2 of 8 shown")
    for width, shown in ((words + 4, "2 of 8 shown"), (words - 4, "2 / 8")):
        panel.count_label.resize(width, panel.count_label.height())
        assert panel.count_label.shown_text == shown, "half a number would be another one"


def test_a_wrong_filter_is_explained_in_place_and_the_list_stays(qtbot, panel: SamplesPanel):
    panel.set_filter("iou<<3")
    before = listed(qtbot, panel)
    assert len(before) == 8
    assert not panel.error_label.isHidden()
    assert panel.error_label.text()
    panel.set_filter("")
    listed(qtbot, panel)
    assert panel.error_label.isHidden()


def test_a_filter_that_nothing_fits_says_so(qtbot, panel: SamplesPanel):
    panel.set_filter("name:nothing-is-called-so")
    assert listed(qtbot, panel) == []
    assert not panel.empty_label.isHidden()


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES])
def test_every_ready_filter_is_a_filter(qtbot, panel: SamplesPanel, text: str):
    panel.set_filter(text)
    listed(qtbot, panel)
    assert panel.error_label.isHidden(), panel.error_label.text()


def test_every_order_is_known_to_the_project(qtbot, panel: SamplesPanel):
    assert {key for key, _ in SORTS} == set(SORT_KEYS)
    for key, _ in SORTS:
        panel.set_sort(key)
        assert len(listed(qtbot, panel)) == 8


def test_the_keyboard_walks_through_the_list(qtbot, panel: SamplesPanel, session: Session):
    ids = listed(qtbot, panel)
    panel.select_first()
    assert arrive(qtbot, session) == ids[0]
    QTest.keyClick(panel.view, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: session.sample.id == ids[1])
    panel.step(1)
    qtbot.waitUntil(lambda: session.sample.id == ids[2])
    panel.step(-1)
    qtbot.waitUntil(lambda: session.sample.id == ids[1])
    panel.step(1000)
    qtbot.waitUntil(lambda: session.sample.id == ids[-1])


def test_next_undecided_goes_round(qtbot, panel: SamplesPanel, session: Session):
    ids = listed(qtbot, panel)
    session.project.samples.set_state([one for one in ids if one not in (ids[1], ids[5])], ReviewState.ACCEPTED)
    qtbot.waitUntil(lambda: int((panel.model.states() == 0).sum()) == 2)
    panel.select(ids[2])
    for expected in (ids[5], ids[1], ids[5]):
        assert panel.go_to_next(ReviewState.TODO)
        qtbot.waitUntil(lambda expected=expected: session.sample is not None and session.sample.id == expected)
    session.project.samples.set_state(ids, ReviewState.ACCEPTED)
    qtbot.waitUntil(lambda: not (panel.model.states() == 0).any())
    assert not panel.go_to_next(ReviewState.TODO)


def test_a_verdict_repaints_one_row_and_moves_nothing(qtbot, panel: SamplesPanel, session: Session):
    panel.set_filter("state:todo")
    ids = listed(qtbot, panel)
    changed: list[tuple[int, int]] = []
    resets: list[int] = []
    qtbot.waitUntil(panel.has_all_thumbnails)
    panel.model.dataChanged.connect(lambda first, last, _roles: changed.append((first.row(), last.row())))
    panel.model.modelReset.connect(lambda: resets.append(1))
    session.project.samples.set_state([ids[3]], ReviewState.FLAGGED)
    qtbot.waitUntil(lambda: bool(changed))
    assert set(changed) == {(3, 3)}
    assert not resets
    assert panel.ids() == ids
    assert not panel.stale_button.isHidden(), "it says that the list would be another now"
    panel.stale_button.click()
    qtbot.waitUntil(lambda: panel.ids() == [one for one in ids if one != ids[3]])


def test_new_predictions_list_anew(qtbot, panel: SamplesPanel, session: Session):
    before = listed(qtbot, panel)
    run = session.project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    for number, sample in enumerate(session.project.samples.all(before)):
        mask = session.project.masks.load(sample)
        mask[: number * 5] ^= 1  # now the first is the best
        session.project.predictions.save(run.id, sample, mask * np.uint8(255))
    session.project.predictions.score(run.id)
    session.project.looks.record(run.name, "evaluate")
    session.project.predictions.set_current(run.id)
    qtbot.waitUntil(lambda: not panel.is_busy and panel.ids()[-1] == before[0])


def test_the_completer_completes_the_last_word(qtbot, panel: SamplesPanel):
    completer = panel.filter_edit.completer()
    assert completer.splitPath("iou<0.5 -state:to") == ["state:to"]
    panel.filter_edit.setText("iou<0.5 -state:to")
    completer.setCompletionPrefix("state:to")
    assert completer.pathFromIndex(completer.completionModel().index(0, 0)) == "iou<0.5 -state:todo"


def test_a_hundred_thousand_rows_are_one_table(qtbot, panel: SamplesPanel, session: Session):
    """The list asks the model for what is in sight alone, however long it is."""
    table = session.project.samples.table()
    model = SamplesModel()
    rows = np.tile(np.arange(len(table)), 12_500)
    model.show(table, rows)
    assert model.rowCount() == 100_000
    panel.view.setModel(model)
    panel.view.itemDelegate()._model = model
    asked: list[int] = []
    original = model.sample
    model.sample = lambda row: asked.append(row) or original(row)
    panel.view.scrollToBottom()
    panel.view.viewport().repaint()
    assert asked
    assert len(set(asked)) < 40
    assert max(asked) == 99_999
    panel.view.setModel(panel.model)
