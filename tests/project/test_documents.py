"""Documents on a real project: opened, painted on, saved in the background, killed, opened again."""

import random
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.document import Document
from segstudio.core.errors import BadImage
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.project.check import check_project
from segstudio.project.documents import close_document, open_document, save_document, save_snapshot
from segstudio.project.journal_records import digest_of
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index


@pytest.fixture
def sample(project: Project):
    return project.samples.by_image("images/sample_01.png")


def flip(document: Document, number: int) -> None:
    mask = document.mask.copy()
    mask.flat[number] ^= 1
    document.replace(mask, f"flip {number}")


def test_an_opened_sample_shows_its_own_mask(project: Project, sample) -> None:
    document, notes = open_document(project, sample)
    assert np.array_equal(document.mask, project.masks.load_original(sample))
    assert document.is_saved
    assert not notes
    close_document(document)
    assert not (project.folder / "journal").exists()


def test_painting_saving_and_opening_again(project: Project, sample) -> None:
    document = open_document(project, sample).document
    flip(document, 5)
    flip(document, 6)
    saved = save_document(project, sample, document)
    assert saved.revision == 1
    assert document.is_saved
    flip(document, 7)
    wanted = document.mask.copy()
    close_document(document)

    document, notes = open_document(project, saved)
    assert not notes
    assert np.array_equal(document.mask, wanted)
    assert not document.is_saved
    assert [edit.label for edit in document.history.past] == ["flip 5", "flip 6", "flip 7"]
    while document.undo():
        pass
    save_document(project, saved, document)
    close_document(document)
    assert np.array_equal(project.masks.load(saved), project.masks.load_original(saved))


def stands(project: Project, sample_id: int) -> tuple[object, ...]:
    """How a sample stands, and the figures of its prediction."""
    table = project.samples.table()
    row = int(table.indices_of([sample_id])[0])
    figures = (table.iou[row], table.foreground[row])
    sql = "SELECT state, state_changed, reviewer, revision FROM sample WHERE id = ?"
    return *project.database.row(sql, (sample_id,)), *(f"{one:.4f}" for one in figures)


@pytest.mark.parametrize("before", ["todo", "accepted", "no mask"])
@pytest.mark.parametrize("is_left", [False, True])
def test_a_sample_of_which_everything_was_undone_stands_as_before(project: Project, before: str, is_left: bool) -> None:
    sample = project.samples.get(2)
    if before == "no mask":
        with project.transaction() as connection:
            connection.execute("UPDATE sample SET truth = NULL WHERE id = 2")
        sample = project.samples.get(2)
    run = project.runs.create("p", "m", {}, "scratch").id
    project.predictions.save(run, sample, np.full((48, 64), 200, np.uint8))
    project.predictions.set_current(run)
    project.predictions.score(run)
    if before == "accepted":
        project.reviewer = "Anna"
        project.masks.save(2, np.ones((48, 64), np.uint8))
        project.samples.set_state([2], ReviewState.ACCEPTED)
        project.reviewer = "Boris"
    stood, revisions = stands(project, 2), project.masks.revisions(sample)
    document = open_document(project, sample).document
    for number in (5, 6):
        flip(document, number)
        save_document(project, sample, document)
    assert project.samples.get(2).state is ReviewState.CORRECTED
    if is_left:  # the person went elsewhere and came back
        project.masks.seal([2])
        close_document(document)
        document = open_document(project, project.samples.get(2)).document
    document.undo()
    save_document(project, sample, document)
    assert project.samples.get(2).state is ReviewState.CORRECTED
    document.undo()
    save_document(project, sample, document)
    assert stands(project, 2) == stood
    assert document.is_saved
    kept = project.masks.revisions(project.samples.get(2))
    assert [one.number for one in kept if one.is_current] == [one.number for one in revisions if one.is_current]
    assert len(kept) == len(revisions) + is_left
    assert np.array_equal(project.masks.load(sample), document.mask)
    assert not [one.text for one in check_project(project, ListReporter()) if one.severity != "mended"]
    # What was undone can be made again, and a verdict ends it.
    document.redo()
    assert save_document(project, sample, document).state is ReviewState.CORRECTED
    project.samples.set_state([2], ReviewState.FLAGGED)
    project.samples.set_state([2], ReviewState.CORRECTED)
    document.undo()
    assert save_document(project, sample, document).state is ReviewState.CORRECTED
    close_document(document)
    project.close()
    found = rebuild_index(project.folder, ListReporter())
    assert not found["lost"]


def test_a_stroke_that_is_undone_before_it_is_saved_leaves_no_trace(project: Project, sample) -> None:
    stood, document = stands(project, sample.id), open_document(project, sample).document
    flip(document, 5)
    document.undo()
    assert save_document(project, sample, document).state is ReviewState.TODO
    assert stands(project, sample.id) == stood
    assert not list((project.folder / "masks").rglob("*.png"))
    close_document(document)


def test_a_stroke_during_a_save_is_not_lost(project: Project, sample) -> None:
    document = open_document(project, sample).document
    flip(document, 1)
    snapshot = document.snapshot()
    thread = threading.Thread(target=save_snapshot, args=(project, sample.id, document.journal, snapshot))
    thread.start()
    for number in range(2, 40):
        flip(document, number)
    thread.join(60)
    document.saved(snapshot)
    assert not document.is_saved
    wanted = document.mask.copy()
    close_document(document)
    again = project.samples.get(sample.id)
    assert np.array_equal(project.masks.load(again), snapshot.mask)
    document, notes = open_document(project, again)
    assert not notes
    assert np.array_equal(document.mask, wanted)
    close_document(document)


def test_a_save_that_fails_loses_nothing(project: Project, sample, monkeypatch: pytest.MonkeyPatch) -> None:
    document = open_document(project, sample).document
    flip(document, 1)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("segstudio.project.masks.write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        save_document(project, sample, document)
    assert not document.is_saved
    wanted = document.mask.copy()
    close_document(document)
    document, notes = open_document(project, sample)
    assert np.array_equal(document.mask, wanted)
    assert not notes
    close_document(document)


def test_a_mask_changed_by_another_program_wins_and_is_reported(project: Project, sample) -> None:
    document = open_document(project, sample).document
    flip(document, 1)
    saved = save_document(project, sample, document)
    flip(document, 2)
    close_document(document)
    path = project.masks.path(saved)
    assert path is not None
    other = project.masks.path(project.samples.by_image("images/sample_02.png"))
    assert other is not None
    path.write_bytes(other.read_bytes())
    saved = project.samples.get(sample.id)
    document, notes = open_document(project, saved)
    assert np.array_equal(document.mask, project.masks.load(saved))
    assert document.is_saved
    assert not document.history.can_undo
    [(noted, reason)] = notes
    assert noted == project.folder / "journal" / "images" / "sample_01.journal"
    assert "another program" in reason
    close_document(document)


def test_a_damaged_mask_blocks_the_sample_and_leaves_its_journal(project: Project, sample) -> None:
    document = open_document(project, sample).document
    flip(document, 1)
    saved = save_document(project, sample, document)
    flip(document, 2)
    wanted = document.mask.copy()
    close_document(document)
    path = project.masks.path(saved)
    assert path is not None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadImage):
        open_document(project, saved)
    path.write_bytes(whole)
    document, notes = open_document(project, saved)
    assert np.array_equal(document.mask, wanted)
    assert not notes
    close_document(document)


def test_an_image_that_was_never_read_has_no_mask_to_paint_on(project: Project, sample) -> None:
    unknown = replace(sample, truth=None, width=0, height=0, problem="the picture has more than 8 bits a channel")
    with pytest.raises(BadImage, match="more than 8 bits"):
        open_document(project, unknown)
    with pytest.raises(BadImage, match="could not be read"):
        project.masks.load(replace(unknown, problem=""))


def test_a_reader_sees_what_the_editor_has_not_saved_yet(project: Project, sample) -> None:
    with Project.open(project.folder, is_editor=True) as editor, Project.open(project.folder, is_editor=True) as reader:
        assert reader.read_only
        document = open_document(editor, sample).document
        flip(document, 1)
        seen, notes = open_document(reader, sample)
        assert not notes
        assert seen.journal is None
        assert np.array_equal(seen.mask, document.mask)
        flip(document, 2)
        close_document(document)
        close_document(seen)


PAINTER = textwrap.dedent("""
    import queue, sys, threading
    from pathlib import Path
    from segstudio.project.documents import open_document, save_snapshot
    from segstudio.project.journal_records import digest_of
    from segstudio.project.project import Project

    project = Project.open(Path(sys.argv[1]), is_editor=True)
    sample = project.samples.by_image("images/sample_01.png")
    document = open_document(project, sample).document
    snapshots = queue.SimpleQueue()

    def save():
        while True:
            save_snapshot(project, sample.id, document.journal, snapshots.get())

    threading.Thread(target=save, daemon=True).start()
    for number in range(int(sys.argv[2]), 1000000):
        mask = document.mask.copy()
        mask.flat[number % mask.size] ^= 1
        document.replace(mask, "flip")
        print(digest_of(document.mask).hex(), flush=True)
        if snapshots.empty():
            snapshots.put(document.snapshot())
""")


def test_a_painter_killed_at_any_moment_loses_no_finished_stroke(project: Project, sample) -> None:
    chance = random.Random(7)
    start = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", PAINTER, str(project.folder), str(start)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as painter:
            assert painter.stdout is not None
            said = [painter.stdout.readline() for _ in range(chance.randrange(20, 90))]
            painter.kill()
            said += painter.stdout.readlines()
        digests = [line.strip() for line in said if line.endswith("\n")]
        assert digests
        start += len(digests)
        with Project.open(project.folder, is_editor=True) as editor:
            document, notes = open_document(editor, editor.samples.get(sample.id))
            assert not notes
            # The kill may have come between a stroke and the line that says so.
            states = {digest_of(document.mask).hex()}
            if document.undo():
                states.add(digest_of(document.mask).hex())
                document.redo()
            assert digests[-1] in states
            assert len(document.history.past) >= start
            close_document(document)
