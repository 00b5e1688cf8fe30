"""Journal: whatever happens, after reopening the mask is what it was after the last change that was written down."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from segstudio.core.document import Document, Snapshot
from segstudio.core.edit import Edit
from segstudio.core.errors import UserError
from segstudio.core.raster import brush_centre, capsule
from segstudio.project.journal import NAME_BYTES, Journal, Opened, journal_path
from segstudio.project.journal_records import MAGIC, Kind, Record, Story, digest_of, parse

SHAPE = (150, 170)
EMPTY = np.zeros(SHAPE, np.uint8)


def dot(number: int) -> np.ndarray:
    """A mask with one more pixel for each number."""
    mask = EMPTY.copy()
    mask.flat[: number + 1] = 1
    return mask


class Desk:
    """A sample on a disk, as `documents` treats it, with the mask file in memory or in a file."""

    def __init__(self, path: Path, mask: np.ndarray = EMPTY) -> None:
        self.path = path
        self.file = mask.copy()
        self.open()

    def open(self) -> Opened:
        self.opened = Journal.open(self.path, self.file.copy())
        self.document = Document(self.opened.mask, self.opened.history, self.opened.journal)
        return self.opened

    @property
    def journal(self) -> Journal:
        assert self.opened.journal is not None
        return self.opened.journal

    def paint(self, number: int) -> None:
        self.document.replace(dot(number), f"dot {number}")

    def save(self) -> None:
        snapshot = self.document.snapshot()
        mark = self.journal.before_save(snapshot.mask, snapshot.position)
        self.file = snapshot.mask
        self.journal.after_save(mark)

    def crash(self) -> Opened:
        """The process is killed: what it gave to the operating system is all that is left."""
        copy = self.path.with_name(f"after-crash-{self.path.name}")
        if self.path.exists():
            shutil.copy(self.path, copy)
        self.journal.close()
        copy.replace(self.path) if copy.exists() else self.path.unlink(missing_ok=True)
        return self.open()

    def reopen(self) -> Opened:
        self.journal.close()
        return self.open()


@pytest.fixture
def desk(tmp_path: Path):
    desk = Desk(tmp_path / "journal" / "a.journal")
    yield desk
    desk.journal.close()


def labels(opened: Opened) -> tuple[list[str], list[str]]:
    return [edit.label for edit in opened.history.past], [edit.label for edit in opened.history.future]


def test_looking_at_a_sample_writes_nothing(desk: Desk) -> None:
    desk.save()
    desk.journal.sync()
    desk.journal.compact()
    desk.journal.close()
    assert not desk.path.parent.exists()


def test_unsaved_changes_and_undo_survive_a_crash(desk: Desk) -> None:
    for number in range(4):
        desk.paint(number)
    desk.document.undo()
    opened = desk.crash()
    assert np.array_equal(opened.mask, dot(2))
    assert labels(opened) == (["dot 0", "dot 1", "dot 2"], ["dot 3"])
    assert opened.replayed == 5
    assert opened.note is None
    assert desk.document.redo()
    assert np.array_equal(desk.document.mask, dot(3))
    assert np.array_equal(desk.crash().mask, dot(3))


def test_undo_goes_back_beyond_a_save(desk: Desk) -> None:
    desk.paint(0)
    desk.paint(1)
    desk.save()
    opened = desk.reopen()
    assert opened.replayed == 0
    assert desk.document.undo()
    assert desk.document.undo()
    assert not desk.document.mask.any()
    desk.save()
    assert not desk.reopen().mask.any()
    assert labels(desk.opened) == ([], ["dot 0", "dot 1"])


@pytest.mark.parametrize("is_file_new", [False, True])
def test_a_crash_in_the_middle_of_a_save(desk: Desk, is_file_new: bool) -> None:
    desk.paint(0)
    desk.save()
    desk.paint(1)
    snapshot = desk.document.snapshot()
    desk.paint(2)  # while a thread saves
    desk.journal.before_save(snapshot.mask, snapshot.position)
    if is_file_new:
        desk.file = snapshot.mask
    opened = desk.crash()
    assert np.array_equal(opened.mask, dot(2))
    assert opened.replayed == (1 if is_file_new else 2)
    assert labels(opened) == (["dot 0", "dot 1", "dot 2"], [])


def test_a_mask_of_another_program_wins(desk: Desk) -> None:
    desk.paint(0)
    desk.save()
    desk.paint(1)
    for number in (1, 2):
        desk.journal.close()
        desk.file = dot(70 + number)
        opened = desk.open()
        assert np.array_equal(opened.mask, dot(70 + number))
        assert labels(opened) == ([], [])
        assert opened.note is not None
        assert "another program" in opened.note
        assert f"a.journal.stale-{number}" in opened.note
        assert desk.path.with_name(f"a.journal.stale-{number}").is_file()
        desk.paint(5)
        assert np.array_equal(desk.crash().mask, dot(5))


def test_an_older_mask_put_back_by_hand_wins_too(desk: Desk) -> None:
    desk.paint(0)
    desk.save()
    backup = desk.file.copy()
    desk.paint(1)
    desk.save()
    desk.journal.close()
    desk.file = backup
    opened = desk.open()
    assert np.array_equal(opened.mask, backup)
    assert opened.note


def test_a_mask_of_another_size_is_another_mask(desk: Desk) -> None:
    desk.paint(0)
    desk.journal.close()
    desk.file = np.zeros((SHAPE[1], SHAPE[0]), np.uint8)
    assert "another program" in (desk.open().note or "")


def whole_story(folder: Path) -> tuple[Path, list[tuple[int, np.ndarray]]]:
    """A journal with every kind of record, and the mask after each of its changes by the size of the file."""
    desk = Desk(folder / "story.journal")
    states = [(0, EMPTY)]

    def note_state() -> None:
        states.append((desk.path.stat().st_size, desk.document.mask.copy()))

    for number in range(3):
        desk.paint(number)
        note_state()
    desk.document.undo()
    note_state()
    desk.journal.before_save(desk.document.mask)  # of a save that never came to its end
    desk.document.redo()
    note_state()
    desk.document.undo()
    note_state()
    desk.paint(9)
    note_state()
    desk.journal.close()
    return desk.path, states


def test_cut_at_every_byte_the_last_whole_change_is_the_state(tmp_path: Path) -> None:
    path, states = whole_story(tmp_path)
    data = path.read_bytes()
    assert len(data) < 2000
    for size in range(len(data) + 1):
        cut = tmp_path / "cut.journal"
        cut.write_bytes(data[:size])
        opened = Journal.open(cut, EMPTY.copy())
        wanted = [mask for at, mask in states if at <= size][-1]
        assert np.array_equal(opened.mask, wanted), size
        assert opened.note is None
        # What comes next continues from there.
        document = Document(opened.mask, opened.history, opened.journal)
        document.replace(dot(50), "dot 50")
        document.journal.close()  # type: ignore[union-attr]
        again = Journal.open(cut, EMPTY.copy(), is_read_only=True)
        assert np.array_equal(again.mask, dot(50))
        assert len(again.history.past) == len(document.history.past)


def test_nothing_of_a_long_record_that_was_cut_short_is_left(desk: Desk) -> None:
    desk.paint(0)
    noise = np.random.default_rng(0).integers(0, 2, SHAPE, np.uint8)
    desk.document.replace(noise, "noise")
    desk.journal.close()
    desk.path.write_bytes(desk.path.read_bytes()[:-1])
    assert np.array_equal(desk.open().mask, dot(0))
    desk.paint(1)
    opened = desk.crash()
    assert opened.note is None
    assert np.array_equal(opened.mask, dot(1))


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path, states = whole_story(tmp_path)
    data = path.read_bytes()
    known = {digest_of(mask) for _, mask in states}
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x41
        bad = tmp_path / "bad.journal"
        bad.write_bytes(bytes(damaged))
        opened = Journal.open(bad, EMPTY.copy())
        assert opened.note, at
        assert digest_of(opened.mask) in known
        assert opened.journal is not None
        opened.journal.close()
        aside = bad.with_name("bad.journal.stale-1")
        assert aside.read_bytes() == bytes(damaged)
        aside.unlink()
        # The good part has stayed and is complained of only once.
        again = Journal.open(bad, EMPTY.copy(), is_read_only=True)
        assert again.note is None
        assert np.array_equal(again.mask, opened.mask)
        bad.unlink(missing_ok=True)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_file_can_lie_there(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for content in (data, MAGIC + data):
            path = Path(folder) / "any.journal"
            path.write_bytes(content)
            opened = Journal.open(path, EMPTY.copy())
            assert opened.journal is not None
            opened.journal.close()
            assert np.array_equal(opened.mask, EMPTY)


def test_a_story_that_makes_no_sense_is_put_aside(desk: Desk) -> None:
    desk.paint(0)
    desk.document.undo()
    desk.journal.undo()  # there is nothing left to undo
    assert "makes no sense" in (desk.crash().note or "")
    foreign = Edit.between(np.zeros((3, 3), np.uint8), np.ones((3, 3), np.uint8), "foreign")
    desk.journal.edit(foreign)
    opened = desk.crash()
    assert "makes no sense" in (opened.note or "")
    assert not opened.mask.any()


def test_reading_only_leaves_the_disk_alone(desk: Desk) -> None:
    desk.paint(0)
    desk.paint(1)
    desk.journal.close()
    data = desk.path.read_bytes()
    desk.path.write_bytes(data[:-1])
    desk.path.chmod(0o444)
    opened = Journal.open(desk.path, EMPTY.copy(), is_read_only=True)
    assert opened.journal is None
    assert np.array_equal(opened.mask, dot(0))
    other = Journal.open(desk.path, dot(40), is_read_only=True)
    assert other.note
    assert [path.name for path in desk.path.parent.iterdir()] == ["a.journal"]
    assert desk.path.read_bytes() == data[:-1]


def test_a_journal_has_one_owner(desk: Desk) -> None:
    with pytest.raises(RuntimeError, match="open already"):
        Journal.open(desk.path, EMPTY.copy())
    Journal.open(desk.path, EMPTY.copy(), is_read_only=True)
    desk.reopen()


def test_a_journal_that_cannot_be_read_blocks_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    path.mkdir()
    with pytest.raises(UserError, match=r"a\.journal"):
        Journal.open(path, EMPTY.copy())


def test_a_full_disk_loses_nothing_that_memory_can_keep(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.paint(0)
    real_write, room = os.write, [30]

    def write(file: int, data: Any) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real_write(file, bytes(data)[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr(os, "write", write)
    desk.paint(1)
    assert desk.journal.problem == os.strerror(errno.ENOSPC)
    desk.paint(2)
    desk.save()
    desk.paint(3)
    after_crash = Journal.open(desk.path, EMPTY.copy(), is_read_only=True)
    assert np.array_equal(after_crash.mask, dot(0))
    monkeypatch.undo()
    desk.journal.sync()
    assert desk.journal.problem == ""
    opened = desk.crash()
    assert np.array_equal(opened.mask, dot(3))
    assert opened.replayed == 1


def test_closing_writes_what_there_was_no_room_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    desk.paint(0)
    monkeypatch.setattr(os, "write", full)
    desk.paint(1)
    assert desk.journal.problem
    monkeypatch.undo()
    assert np.array_equal(desk.reopen().mask, dot(1))


def test_compaction_keeps_the_end_and_the_unsaved(desk: Desk) -> None:
    for number in range(6):
        desk.paint(number)
    desk.document.undo()
    desk.save()
    for _ in range(4):
        desk.document.undo()
        desk.document.redo()
    desk.document.undo()
    desk.paint(30)
    before = labels(desk.opened)
    snapshot = desk.document.snapshot()
    desk.journal.before_save(snapshot.mask, snapshot.position)
    size = desk.path.stat().st_size
    desk.journal.compact()
    assert desk.path.stat().st_size < size
    assert Story.read(parse(desk.path.read_bytes()).records).base.position > 0
    desk.paint(31)
    saved = desk.file
    for file, replayed in ((snapshot.mask, 1), (saved, 11)):
        opened = Journal.open(desk.path, file.copy(), is_read_only=True)
        assert np.array_equal(opened.mask, dot(31))
        assert labels(opened) == labels(desk.opened) != before
        assert opened.replayed == replayed


def test_compaction_keeps_within_the_budget(desk: Desk) -> None:
    for number in range(50):
        desk.paint(number)
    desk.save()
    newest = desk.document.history.past[-1]
    desk.journal.compact(budget=5 * newest.nbytes)
    opened = desk.reopen()
    assert 2 <= len(opened.history.past) <= 5
    assert opened.history.past[-1] == newest
    assert np.array_equal(opened.mask, dot(49))


def test_closing_compacts_what_is_mostly_waste(desk: Desk) -> None:
    noise = np.random.default_rng(0)
    for _ in range(200):
        mask = noise.integers(0, 2, SHAPE, np.uint8)
        desk.document.replace(mask, "noise")
        desk.document.undo()
    desk.save()
    size = desk.path.stat().st_size
    opened = desk.reopen()
    assert desk.path.stat().st_size < size / 50
    assert len(opened.history.future) == 1
    assert not opened.mask.any()


def test_a_compaction_that_fails_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.paint(0)
    desk.save()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("segstudio.project.journal.write_atomically", full)
    desk.journal.compact()
    assert desk.journal.problem
    desk.paint(1)
    assert np.array_equal(desk.crash().mask, dot(1))


def test_names_of_any_length_and_script(tmp_path: Path) -> None:
    stems = [
        "срез/" + "л" * 120,
        "срез/" + "л" * 119 + "м",
        "a" * 251,
        "a" * 250 + "b",
        "x/y/z",
        "\U0001f600" * 60,
        "CON ",
    ]
    paths = [journal_path(tmp_path / "journal", stem) for stem in stems]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert len(path.name.encode()) <= NAME_BYTES
        desk = Desk(path)
        desk.paint(3)
        assert np.array_equal(desk.crash().mask, dot(3))
        desk.journal.close()
    assert journal_path(Path("journal"), "x/y").as_posix() == "journal/x/y.journal"


def test_saving_in_a_thread_while_painting_goes_on(desk: Desk) -> None:
    snapshots: list[Snapshot] = []
    wanted = threading.Event()
    is_over = threading.Event()

    def save() -> None:
        while not is_over.is_set():
            wanted.wait(5)
            wanted.clear()
            while snapshots:
                snapshot = snapshots.pop(0)
                mark = desk.journal.before_save(snapshot.mask, snapshot.position)
                desk.file = snapshot.mask
                desk.journal.after_save(mark)

    thread = threading.Thread(target=save)
    thread.start()
    for number in range(300):
        desk.paint(number)
        if number % 10 == 0:
            desk.document.undo()
        if number % 7 == 0:
            snapshots.append(desk.document.snapshot())
            wanted.set()
    is_over.set()
    wanted.set()
    thread.join(30)
    past = [edit.label for edit in desk.document.history.past]
    opened = desk.crash()
    assert np.array_equal(opened.mask, dot(299))
    assert [edit.label for edit in opened.history.past] == past
    assert opened.replayed < 300


def test_a_killed_process_loses_no_finished_stroke(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, sys, pathlib
        import numpy as np
        from segstudio.core.document import Document
        from segstudio.project.journal import Journal
        opened = Journal.open(pathlib.Path(sys.argv[1]), np.zeros((150, 170), np.uint8))
        document = Document(opened.mask, opened.history, opened.journal)
        for number in range(3):
            mask = document.mask.copy()
            mask.flat[: number + 1] = 1
            document.replace(mask, f"dot {number}")
        print("painted", flush=True)
        sys.stdin.read()
    """)
    path = tmp_path / "a.journal"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "painted\n"
        process.kill()
    opened = Journal.open(path, EMPTY.copy(), is_read_only=True)
    assert np.array_equal(opened.mask, dot(2))
    assert labels(opened)[0] == ["dot 0", "dot 1", "dot 2"]


class Machine(RuleBasedStateMachine):
    """Paint, erase, undo, redo, save, crash, tear, compact, reopen, in any order, against full copies."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name) / "journal" / "sample.journal")
        self.past: list[np.ndarray] = []
        self.now = EMPTY.copy()
        self.future: list[np.ndarray] = []
        self.saving: list[tuple[Any, np.ndarray]] = []

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.journal.close()
            self.folder.cleanup()

    @rule(x=st.integers(-20, 190), y=st.integers(-20, 170), diameter=st.integers(1, 90), value=st.integers(0, 1))
    def paint(self, x: int, y: int, diameter: int, value: int) -> None:
        with self.desk.document.stroke("Brush") as stroke:
            centre = brush_centre(x, y, diameter)
            stroke.fill_spans(capsule(stroke.shape, centre, centre, diameter), value)
        if not np.array_equal(self.desk.document.mask, self.now):
            self.past.append(self.now)
            self.now, self.future = self.desk.document.mask.copy(), []

    @rule()
    def undo(self) -> None:
        assert self.desk.document.undo() == bool(self.past)
        if self.past:
            self.future.append(self.now)
            self.now = self.past.pop()

    @rule()
    def redo(self) -> None:
        assert self.desk.document.redo() == bool(self.future)
        if self.future:
            self.past.append(self.now)
            self.now = self.future.pop()

    @rule()
    def begin_save(self) -> None:
        if not self.saving:
            snapshot = self.desk.document.snapshot()
            self.saving.append((self.desk.journal.before_save(snapshot.mask, snapshot.position), snapshot.mask))

    @rule()
    def end_save(self) -> None:
        while self.saving:
            mark, self.desk.file = self.saving.pop()
            self.desk.journal.after_save(mark)

    @rule(is_file_new=st.booleans(), torn=st.integers(0, 20))
    def crash(self, is_file_new: bool, torn: int) -> None:
        if self.saving and is_file_new:
            self.desk.file = self.saving.pop()[1]
        self.saving.clear()
        if self.desk.path.exists():
            whole = self.desk.path.read_bytes()[: self.desk.journal._size]
            self.desk.path.write_bytes(whole + Record(Kind.EDIT, b"never finished").to_bytes()[:torn])
        opened = self.desk.crash()
        assert opened.note is None

    @rule()
    def compact(self) -> None:
        if not self.saving:
            self.desk.journal.compact()

    @rule()
    def switch_sample(self) -> None:
        self.end_save()
        self.begin_save()
        self.end_save()
        assert self.desk.reopen().replayed == 0

    @invariant()
    def equal(self) -> None:
        if hasattr(self, "desk"):
            assert np.array_equal(self.desk.document.mask, self.now)
            assert len(self.desk.document.history.past) == len(self.past)
            assert len(self.desk.document.history.future) == len(self.future)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
