"""Verdicts with a name and a comment, on one sample or many, and their undo: through the real window, by keys."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QLabel

from segstudio.core.lint import LintRules
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.core.suspicion import Suspicion
from segstudio.core.user_settings import UserSettings, save_settings
from segstudio.jobs import JOBS
from segstudio.project import mirror
from segstudio.project.accepting import accept, plan_accept, read_audits
from segstudio.project.documents import put_mask
from segstudio.project.project import Project
from segstudio.project.sample_table import STATES
from segstudio.project.samples import NewSample
from segstudio.project.suspicions import store_suspicions
from segstudio.ui.dialogs.audit import AuditDialog
from segstudio.ui.dialogs.lint_rules import LintRulesDialog
from segstudio.ui.panels.lint import LintPanel
from segstudio.ui.panels.readers import ReadersPanel
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.windows import shown_window

CONTROL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path):
    save_settings(UserSettings(reviewer="Anna"))
    with shown_window(qtbot, make_project(tmp_path)) as one:
        one.samples_panel.set_sort("name")
        qtbot.waitUntil(one.is_settled)
        yield one


def press(window: Window, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.windowHandle(), key, modifiers)


def states(window: Window) -> list[ReviewState]:
    return [one.state for one in window.session.project.samples.all()]


def select(window: Window, first: int, last: int) -> None:
    """Click a row of the list and another one with Shift."""
    view, model = window.samples_panel.view, window.samples_panel.model
    for row, modifier in ((first, Qt.KeyboardModifier.NoModifier), (last, SHIFT)):
        spot = view.visualRect(model.index(row)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, spot)


def test_a_verdict_bears_a_name_and_a_comment_and_is_undone_by_a_key(qtbot, window: Window) -> None:
    session, comment = window.session, window.workspace.review_panel.comment
    first = session.sample.id
    press(window, Qt.Key.Key_M, CONTROL)
    qtbot.waitUntil(comment.hasFocus)
    QTest.keyClicks(comment, "a flag")  # letters are text here, and no commands
    QTest.keyClick(comment, Qt.Key.Key_Escape)
    qtbot.waitUntil(window.panes.isAncestorOf(window.focusWidget()).__bool__)
    press(window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: states(window)[0] is ReviewState.ACCEPTED)
    (review,) = session.project.samples.reviews([first])
    assert (review.reviewer, review.comment) == ("Anna", "a flag")
    assert [line.comment for line in mirror.read_reviews(session.project.folder)] == ["a flag"] * 2
    undo = window.actions_by_name["undo-act"]
    qtbot.waitUntil(lambda: undo.text() == f"Undo: accepted {session.sample.name}")
    assert not window.actions_by_name["undo"].isEnabled(), "there is no stroke"
    press(window, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: session.sample.id != first and window.is_settled())
    assert comment.toPlainText() == ""
    press(window, Qt.Key.Key_Z, CONTROL | ALT)
    qtbot.waitUntil(lambda: states(window)[0] is ReviewState.TODO and session.sample.id == first)
    qtbot.waitUntil(lambda: window.actions_by_name["redo-act"].isEnabled())
    assert comment.toPlainText() == "a flag"
    press(window, Qt.Key.Key_Y, CONTROL | ALT)
    qtbot.waitUntil(lambda: states(window)[0] is ReviewState.ACCEPTED)


def test_a_verdict_is_on_all_that_are_selected(qtbot, window: Window) -> None:
    select(window, 1, 3)
    qtbot.waitUntil(lambda: not window.session.is_busy and window.is_settled())
    assert window.samples_panel.count_label.text() == "3 selected"
    press(window, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: states(window).count(ReviewState.FLAGGED) == 3)
    assert window.session.project.acts.undoable().title == "flag 3 samples"
    flagged = STATES.index(ReviewState.FLAGGED)
    qtbot.waitUntil(lambda: (window.samples_panel.model.states() == flagged).sum() == 3)
    assert len(window.samples_panel.chosen_ids()) == 3, "the selection stays for the next command"
    press(window, Qt.Key.Key_F, SHIFT)
    qtbot.waitUntil(lambda: window.session.sample.id == 2 and window.is_settled())
    assert window.samples_panel.chosen_ids() == [2]
    press(window, Qt.Key.Key_Z, CONTROL | ALT)
    qtbot.waitUntil(lambda: states(window) == [ReviewState.TODO] * 6)


@pytest.mark.parametrize("key", [(Qt.Key.Key_F, SHIFT), (Qt.Key.Key_Z, CONTROL | ALT)])
def test_a_key_that_is_still_down_selects_no_second_sample(qtbot, window: Window, key) -> None:
    first = window.session.sample.id
    press(window, Qt.Key.Key_F)
    qtbot.waitUntil(window.actions_by_name["undo-act"].isEnabled)
    press(window, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: window.session.sample.id != first and window.is_settled())
    QTest.keyPress(window.windowHandle(), *key)  # the hand rests on the key while the sample is read
    qtbot.waitUntil(lambda: window.session.sample.id == first and window.is_settled())
    chosen = window.samples_panel.chosen_ids()
    QTest.keyRelease(window.windowHandle(), *key)
    assert chosen == [first]
    assert len(window.samples_panel.view.selectionModel().selectedRows()) == 1


def test_splits_move_in_the_window_and_the_test_split_does_not(qtbot, window: Window) -> None:
    samples = window.session.project.samples
    select(window, 0, 1)
    qtbot.waitUntil(lambda: not window.session.is_busy)
    window.actions_by_name["split-val"].trigger()
    qtbot.waitUntil(lambda: [samples.get(one).split for one in (1, 2)] == [Split.VAL] * 2)
    select(window, 2, 3)  # the fourth is in the test split
    qtbot.waitUntil(lambda: not window.session.is_busy)
    window.actions_by_name["split-train"].trigger()
    qtbot.waitUntil(lambda: "test split is frozen" in window.banner.text)
    assert samples.get(3).split is Split.VAL


def test_the_time_on_a_sample_and_the_pace_are_shown(qtbot, window: Window) -> None:
    session = window.session
    for key in (Qt.Key.Key_A, Qt.Key.Key_U, Qt.Key.Key_A, Qt.Key.Key_U, Qt.Key.Key_A):
        press(window, key)
        qtbot.waitUntil(lambda: not session.is_busy and window.is_settled())
    qtbot.waitUntil(lambda: states(window).count(ReviewState.ACCEPTED) == 3)
    seconds = [one.seconds for one in session.project.samples.reviews(range(1, 4))]
    assert all(0 < one < 60 for one in seconds), seconds
    qtbot.waitUntil(lambda: "3 left" in window.windowTitle())
    assert window.windowTitle().startswith("blobs — 3 of 6 decided  ·  3 left  ·  ")
    assert "each  ·  done at " in window.windowTitle()


def test_a_comment_that_is_being_written_is_stored_at_closing(qtbot, window: Window, tmp_path: Path) -> None:
    sample_id = window.session.sample.id
    press(window, Qt.Key.Key_M, CONTROL)
    comment = window.workspace.review_panel.comment
    qtbot.waitUntil(comment.hasFocus)
    QTest.keyClicks(comment, "late")
    assert window.close_project()
    with Project.open(tmp_path / "blobs") as project:
        assert project.samples.reviews([sample_id])[0].comment == "late"


def test_a_bulk_act_that_changes_masks_is_undone_while_its_sample_is_on_screen(qtbot, window: Window) -> None:
    session = window.session
    project, sample = session.project, session.sample
    mask = project.masks.load(sample)
    session.document.replace(1 - mask, "Invert")  # a stroke that is not saved yet
    before = {}

    def act() -> None:
        before.update(revision=project.samples.get(sample.id).revision, mask=project.masks.load(sample))
        saved = put_mask(project, project.samples.get(sample.id), np.ones_like(mask), "Accept prediction")
        with project.transaction("samples"):
            states = ["corrected", None, "", before["revision"], None], ["corrected", None, "", saved.revision, None]
            project.acts.record("masks", "accept 1 prediction", [(sample.id, *states)])
            connection = project.database.connection()
            connection.execute("UPDATE sample SET state_changed = NULL, reviewer = '' WHERE id = ?", (sample.id,))

    done = []
    session.change_masks(act, done.append)
    assert session.sample is None, "nobody paints on what is about to become another mask"
    session.show(3)  # what the person asks for meanwhile comes after it
    qtbot.waitUntil(lambda: bool(done) and session.sample is not None and session.sample.id == 3)
    assert (before["mask"] == 1 - mask).all(), "the last stroke was saved first"
    session.show(sample.id)
    qtbot.waitUntil(lambda: session.sample.id == sample.id and window.is_settled())
    assert session.document.mask.all()
    press(window, Qt.Key.Key_Z, CONTROL | ALT)
    qtbot.waitUntil(lambda: session.sample is not None and session.document.mask is not None)
    qtbot.waitUntil(lambda: session.sample is not None and (session.document.mask == 1 - mask).all())
    assert project.samples.get(sample.id).revision == before["revision"]


def test_a_run_is_deleted_in_the_panel_and_comes_back(qtbot, window: Window) -> None:
    project = window.session.project
    run = project.runs.create("p", "m", {}, "scratch")
    project.runs.update(run.id, status="finished")
    panel = window.workspace.runs_panel
    window.workspace.tabs.setCurrentIndex(3)
    qtbot.waitUntil(lambda: panel.delete_button.isVisible() and panel.delete_button.isEnabled())
    QTest.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: project.runs.list() == [] and panel.model.rowCount() == 0)
    qtbot.waitUntil(window.actions_by_name["undo-act"].isEnabled)
    assert window.actions_by_name["undo-act"].text() == "Undo: deleted run 0001"
    window.actions_by_name["undo-act"].trigger()
    qtbot.waitUntil(lambda: panel.model.rowCount() == 1)


def test_an_audit_leads_through_its_samples_and_accepts_only_after_its_bound(qtbot, window: Window) -> None:
    session = window.session
    project, audit = session.project, window.workspace.audit
    predict_noisily(project)
    qtbot.waitUntil(lambda: "errors" in window.workspace.facts() and window.is_settled())
    assert not window.actions_by_name["audit-right"].isEnabled()
    press(window, Qt.Key.Key_A, CONTROL | ALT)
    dialog = window.findChild(AuditDialog)
    begin = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    qtbot.waitUntil(begin.isEnabled)
    assert "1 stay as they are: in the test split" in dialog.words.text()
    dialog.form.set_values({"filter": "", "audit": 3})
    qtbot.waitUntil(lambda: begin.isEnabled() and "all of 3 random ones" in dialog.words.text())
    assert "at most 63.2\u00a0% of all 5 are wrong" in dialog.words.text()
    QTest.mouseClick(begin, Qt.MouseButton.LeftButton)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    seen = []
    for key in (Qt.Key.Key_A, Qt.Key.Key_W, Qt.Key.Key_A):
        qtbot.waitUntil(lambda: not session.is_busy and session.sample.id == audit._drawn[audit.place])
        seen.append(session.sample.id)
        bar = window.workspace.audit_bar
        assert bar.words.text() == f"Check {len(seen)} of 3: is this prediction right?"
        assert not bar.accept_button.isVisible()
        press(window, key, SHIFT)
        qtbot.waitUntil(lambda: audit.place == len(seen))
    wrong = seen[1]
    assert audit.stage == "checked"
    assert "Of 3 checked 1 was wrong: at most 86.5 % of all 5 are (95 % sure)." in bar.words.text()
    qtbot.waitUntil(lambda: project.samples.get(wrong).state is ReviewState.FLAGGED)
    before = states(window)
    QTest.mouseClick(bar.accept_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: audit.stage == "idle" and session.sample is not None and not session.is_busy)
    assert states(window).count(ReviewState.ACCEPTED) == 4
    assert "4 predictions accepted" in window.banner.text
    probability = project.predictions.load(1, session.sample)
    if session.sample.id != wrong:
        assert (session.document.mask == (probability >= 128)).all()
    (record,) = read_audits(project)
    assert (record.reviewer, record.wrong, record.accepted) == ("Anna", 1, 4)
    qtbot.waitUntil(lambda: "Undo: accepted 4 predictions" in window.actions_by_name["undo-act"].text())
    press(window, Qt.Key.Key_Z, CONTROL | ALT)
    qtbot.waitUntil(lambda: states(window) == before)
    assert all(one.revision == 0 for one in project.samples.all())


def test_an_accept_that_was_ended_in_the_middle_is_told_at_opening_and_can_be_finished(
    qtbot, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_noisily(window.session.project)
    folder = window.session.project.folder
    window.close_project()
    monkeypatch.setattr("segstudio.project.accepting.BATCH", 2)
    with Project.open(folder) as project:
        report = ListReporter()
        report.is_cancel_wanted = True
        with pytest.raises(Cancelled):
            accept(project, plan_accept(project, "predictions", ""), report)
    window.open_project(folder)
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
    assert "2 of 5 predictions are accepted. Finish it (Sample" in window.banner.text
    finish = window.actions_by_name["audit-finish"]
    assert finish.isEnabled()
    finish.trigger()
    qtbot.waitUntil(lambda: window.workspace.audit.stage == "idle" and window.is_settled())
    assert "5 predictions accepted" in window.banner.text
    qtbot.waitUntil(lambda: not finish.isEnabled())
    assert states(window).count(ReviewState.ACCEPTED) == 5
    press(window, Qt.Key.Key_Z, CONTROL | ALT)
    qtbot.waitUntil(lambda: ReviewState.ACCEPTED not in states(window))


def test_unusual_masks_are_listed_and_said_of_the_one_on_screen(qtbot, window: Window) -> None:
    session = window.session
    session.decisions.set_lint_rules(LintRules(holes=0))
    mask = np.zeros_like(session.document.mask)
    mask[4:20, 4:20] = 1
    mask[8:12, 8:12] = 0
    session.document.replace(mask, "Paint")
    label = window.workspace.review_panel.findChild(QLabel, "unusual")
    qtbot.waitUntil(lambda: "Mask: 1 hole, where none is usual" in label.text())
    press(window, Qt.Key.Key_L, CONTROL)
    model = window.findChild(LintPanel).model
    holed = session.sample.id
    press(window, Qt.Key.Key_U)  # who leaves a sample has its mask judged
    qtbot.waitUntil(lambda: model.rowCount() == 1 and session.sample.id != holed and not session.is_busy)
    assert model.rows[0].sample_id == holed
    table = window.findChild(LintPanel).table
    table.selectRow(0)
    QTest.keyClick(table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.sample.id == holed and not session.is_busy)


def test_suspicious_masks_are_a_queue_that_a_verdict_takes_them_out_of(qtbot, window: Window) -> None:
    session, panel = window.session, window.samples_panel
    ids = [int(one) for one in session.project.samples.table().id]
    found = {ids[4]: (0, Suspicion(0.9, "never learnt")), ids[2]: (0, Suspicion(0.7, "forgotten", 0.3))}
    store_suspicions(session.project, "fold", found)
    panel.set_filter("suspicion>0.5")
    panel.set_sort("suspicion")
    qtbot.waitUntil(lambda: panel.ids() == [ids[4], ids[2]])
    session.show(ids[4])
    label = window.workspace.review_panel.findChild(QLabel, "suspicious")
    qtbot.waitUntil(lambda: session.sample.id == ids[4] and not session.is_busy)
    assert label.text().startswith("Suspicious: never learnt.")
    assert not label.isHidden()
    press(window, Qt.Key.Key_A)  # the mask is right: it is not asked about again
    qtbot.waitUntil(label.isHidden)
    press(window, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: session.sample.id == ids[2] and not session.is_busy)
    assert label.text().startswith("Suspicious: forgotten.")
    panel.refresh()
    qtbot.waitUntil(lambda: panel.ids() == [ids[2]])
    paint = session.document.mask ^ 1
    session.document.replace(paint, "Paint")
    qtbot.waitUntil(label.isHidden)  # another mask, of which nothing is suspected


def test_what_is_longest_unseen_comes_first_and_goes_to_the_end_when_it_is_left(qtbot, window: Window) -> None:
    session, panel = window.session, window.samples_panel
    panel.set_sort("unseen")
    qtbot.waitUntil(lambda: not panel.is_busy)
    first, *_ = panel.ids()
    others = [one for one in panel.ids() if one != session.sample.id]
    session.show(others[0])
    qtbot.waitUntil(lambda: session.sample.id == others[0] and not session.is_busy)
    session.show(others[1])
    qtbot.waitUntil(lambda: session.sample.id == others[1] and not session.is_busy)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.ids()[-1] == others[0])
    assert panel.ids()[-2] == first


def test_the_rules_are_learnt_and_edited_in_a_form(qtbot, window: Window) -> None:
    window.show_lint_rules()
    dialog = window.findChild(LintRulesDialog)
    dialog.learn_button.click()
    qtbot.waitUntil(lambda: "too few" in dialog.findChildren(QLabel)[-1].text() or dialog.learn_button.isEnabled())
    dialog.form.set_values({"parts": (1, 9), "holes": 2})
    dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
    qtbot.waitUntil(lambda: window.session.project.lint.rules() == LintRules(parts=(1, 9), holes=2))


def test_two_readers_settle_what_differs_by_keys(qtbot, window: Window, tmp_path: Path) -> None:
    session = window.session
    project = session.project
    truth = {one.id: project.masks.load(one) for one in project.samples.all()}
    other = Project.create(tmp_path / "other", project.source, [
        NewSample(one.image, one.truth, one.width, one.height, one.split) for one in project.samples.all()
    ])  # fmt: skip
    with other:
        for sample, place in ((other.samples.get(1), (2, 2)), (other.samples.get(3), (30, 40))):
            mask = other.masks.load(sample)
            mask[place[0] : place[0] + 6, place[1] : place[1] + 6] ^= 1
            other.masks.save(sample.id, mask)
        other.samples.set_comment(3, "look here")
        theirs = {one.id: other.masks.load(one) for one in other.samples.all()}
        JOBS["export-bundle"].from_values({"to": str(tmp_path / "b.zip"), "reviewer": "Boris"}).run(
            other, ListReporter()
        )
    JOBS["import-bundle"].from_values({"file": str(tmp_path / "b.zip")}).run(project, ListReporter())
    qtbot.waitUntil(lambda: "prediction" in window.workspace.facts() and window.is_settled())
    press(window, Qt.Key.Key_G, CONTROL)
    panel = window.findChild(ReadersPanel)
    qtbot.waitUntil(lambda: panel.model.rowCount() == 6 and not panel.is_busy)
    assert {panel.model.rows[0].sample_id, panel.model.rows[1].sample_id} == {1, 3}
    assert "look here" in [row.comment for row in panel.model.rows[:2]]
    assert session.shown_run == "Boris"
    against = window.workspace.review_panel._against
    qtbot.waitUntil(lambda: against.text() == "Your mask against that of Boris")
    walk, settled = window.workspace.walk, {}
    window.workspace.set_going_on(False)
    QTest.mouseClick(panel.walk_button, Qt.MouseButton.LeftButton)
    for key in (Qt.Key.Key_Y, Qt.Key.Key_J):
        qtbot.waitUntil(lambda: walk.place is not None and walk.is_here and not walk.is_busy and not session.is_busy)
        assert walk.words.startswith("difference ")
        assert "yours" in walk.words or "theirs" in walk.words
        settled[walk.place.sample_id] = key
        press(window, key)
        qtbot.waitUntil(lambda: not walk.is_busy)
        press(window, Qt.Key.Key_N)
    assert set(settled) == {1, 3}
    qtbot.waitUntil(lambda: walk.place is None and "last of 2" in window.banner.text and not walk.is_busy)
    assert session.save_now(wait=True)
    for one, key in settled.items():
        wanted = theirs[one] if key == Qt.Key.Key_Y else truth[one]
        assert (project.masks.load(project.samples.get(one)) == wanted).all()
    taken = next(one for one, key in settled.items() if key == Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: {row.sample_id: row.dice for row in panel.model.rows}[taken] == 1.0)
