"""Masks: what was saved is what is read, nothing relied upon is lost, and nothing becomes empty silently."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image

from segstudio.core.errors import BadImage
from segstudio.core.files import write_atomically
from segstudio.core.sample import ReviewState
from segstudio.formats import encode_mask
from segstudio.formats.foreground import ForegroundRule
from segstudio.project import mirror
from segstudio.project.masks import MOST_AHEAD
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.project.projects import make_project

ONES = np.ones((48, 64), np.uint8)
LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :20] = 1


def test_a_mask_is_the_dataset_s_until_it_is_corrected(project: Project) -> None:
    sample = project.samples.get(1)
    with Image.open(project.source / "masks/sample_00.png") as file:
        truth = np.asarray(file) > 0
    assert np.array_equal(project.masks.load(sample), truth)
    assert project.masks.path(sample) == project.source / "masks/sample_00.png"
    saved = project.masks.save(1, LEFT)
    assert (saved.revision, saved.state) == (1, ReviewState.CORRECTED)
    assert saved == project.samples.get(1)
    assert np.array_equal(project.masks.load(sample), LEFT)  # even for one who holds the old sample
    original = project.masks.load_original(sample)
    assert original is not None
    assert np.array_equal(original, truth)
    assert project.masks.path(sample) == project.folder / "masks/images/sample_00.png"
    assert project.samples.table().foreground[0] == pytest.approx(20 / 64)


def test_the_file_is_an_ordinary_mask(project: Project) -> None:
    project.masks.save(1, LEFT)
    with Image.open(project.folder / "masks/images/sample_00.png") as file:
        assert file.mode == "L"
        assert np.array_equal(np.asarray(file), LEFT * 255)


def test_a_sample_without_a_mask_begins_empty(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with Project.create(tmp_path / "p", tmp_path / "d", [NewSample("a.png", None, 3, 2)]) as project:
        sample = project.samples.get(1)
        assert project.masks.path(sample) is None
        assert project.masks.load_original(sample) is None
        assert project.masks.revisions(sample) == []
        assert np.array_equal(project.masks.load(sample), np.zeros((2, 3), np.uint8))
        assert project.masks.save(1, np.ones((2, 3), np.uint8)).has_mask


def test_the_rule_says_what_is_foreground(tmp_path: Path) -> None:
    source = tmp_path / "d"
    source.mkdir()
    colours = np.zeros((2, 3, 3), np.uint8)
    colours[0, 0] = (250, 50, 83)
    colours[1, 1] = (1, 2, 3)
    Image.fromarray(colours).save(source / "m.png")
    rule = ForegroundRule(kind="values", values=((250, 50, 83),))
    with Project.create(tmp_path / "p", source, [NewSample("a.png", "m.png", 3, 2)], rule=rule) as project:
        assert np.array_equal(project.masks.load(project.samples.get(1)), [[1, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "wrong", [np.ones((48, 63), np.uint8), np.ones((48, 64), bool), np.ones((48, 64, 1), np.uint8)]
)
def test_a_mask_of_another_size_or_type_is_a_bug(project: Project, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wants uint8"):
        project.masks.save(1, wrong)
    assert project.samples.get(1).revision == 0


def test_one_save_is_told_once(project: Project) -> None:
    told = []
    project.changed.connect(told.append)
    project.masks.save(1, LEFT)
    assert told == [frozenset({"masks", "samples"})]


# Revisions


def test_an_open_revision_is_replaced_and_a_sealed_one_kept(project: Project) -> None:
    project.masks.save(1, LEFT)
    assert project.masks.save(1, 1 - LEFT).revision == 1
    project.masks.seal([1])
    assert project.masks.save(1, ONES).revision == 2
    sample = project.samples.get(1)
    assert np.array_equal(project.masks.load_revision(sample, 1), 1 - LEFT)
    assert np.array_equal(project.masks.load_revision(sample, 2), ONES)
    assert np.array_equal(project.masks.load_revision(sample, 0), project.masks.load_original(sample))
    revisions = project.masks.revisions(sample)
    assert [(one.number, one.is_current, one.is_sealed) for one in revisions] == [
        (0, False, True), (1, False, True), (2, True, False),
    ]  # fmt: skip
    assert [one.foreground for one in revisions] == [None, pytest.approx(44 / 64), 1.0]
    with pytest.raises(BadImage, match="0007"):
        project.masks.load_revision(sample, 7)


def test_saving_the_same_again_is_no_new_revision(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    saved = project.masks.save(1, LEFT)
    assert (saved.revision, saved.state) == (1, ReviewState.ACCEPTED)
    assert [path.name for path in (project.folder / "history").rglob("*.png")] == ["0001.png"]
    assert project.masks.save(1, ONES).revision == 2


def test_a_verdict_seals(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    saved = project.masks.save(1, ONES)
    assert (saved.revision, saved.state) == (2, ReviewState.CORRECTED)
    assert [line.state for line in mirror.read_reviews(project.folder)] == ["corrected", "accepted", "corrected"]


@pytest.mark.parametrize("state", [ReviewState.FLAGGED, ReviewState.REJECTED])
def test_a_verdict_on_the_image_outlives_an_edit(project: Project, state: ReviewState) -> None:
    project.samples.set_state([1], state)
    assert project.masks.save(1, LEFT).state is state


def test_an_edit_in_place_does_not_reach_the_history(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.masks.seal([1])
    project.masks.save(1, ONES)
    with (project.folder / "masks/images/sample_00.png").open("r+b") as file:
        file.truncate(3)
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 1), LEFT)


# Files that others touch


def draw(path: Path, mask: np.ndarray, *, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "01":
        Image.fromarray(mask).save(path)
    else:
        Image.fromarray(mask * 255).convert(mode).save(path)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P", "01"])
def test_a_file_newer_than_its_row_wins(project: Project, mode: str) -> None:
    project.masks.save(1, ONES)
    draw(project.folder / "masks/images/sample_00.png", LEFT, mode=mode)
    assert np.array_equal(project.masks.load(project.samples.get(1)), LEFT)
    assert project.samples.get(1).revision == 1  # the open one, replaced
    assert project.samples.table().foreground[0] == pytest.approx(20 / 64)


def test_an_edit_of_a_sealed_mask_is_a_new_revision(project: Project) -> None:
    project.masks.save(1, ONES)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    draw(project.folder / "masks/images/sample_00.png", LEFT)
    project.masks.load(project.samples.get(1))
    assert (project.samples.get(1).revision, project.samples.get(1).state) == (2, ReviewState.CORRECTED)
    assert [one.number for one in project.masks.revisions(project.samples.get(1))] == [0, 1, 2]
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 1), ONES)


def test_a_sealed_mask_outlives_a_program_that_writes_into_its_file(project: Project) -> None:
    project.masks.save(1, ONES)
    project.masks.seal([1])
    path = project.folder / "masks/images/sample_00.png"
    with path.open("r+b") as file:
        file.truncate()
        file.write(encode_mask(LEFT))
    sample = project.samples.get(1)
    assert np.array_equal(project.masks.load_revision(sample, 1), ONES)  # even before the edit is noticed
    assert np.array_equal(project.masks.load(sample), LEFT)
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 2), LEFT)


def test_a_torn_copy_of_a_sealed_mask_is_healed(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.masks.seal([1])
    (copy,) = (project.folder / "history").rglob("0001.png")
    copy.write_bytes(b"")
    project.masks.save(1, ONES)
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 1), LEFT)


def test_the_copy_of_a_revision_that_was_not_sealed_after_all_is_not_taken_for_it(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.masks.keep([1])  # and then the power went, before the seal
    project.masks.save(1, ONES)
    sample = project.samples.get(1)
    assert sample.revision == 1
    assert np.array_equal(project.masks.load_revision(sample, 1), ONES)
    project.masks.seal([1])
    project.masks.save(1, 1 - LEFT)
    assert np.array_equal(project.masks.load_revision(sample, 1), ONES)


def test_a_mask_that_was_put_there_is_a_correction(project: Project) -> None:
    draw(project.folder / "masks/images/sample_02.png", LEFT)
    assert np.array_equal(project.masks.load(project.samples.get(3)), LEFT)
    assert (project.samples.get(3).revision, project.samples.get(3).state) == (1, ReviewState.CORRECTED)


def test_a_copied_project_has_no_new_revisions(project: Project) -> None:
    project.masks.save(1, LEFT)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    told = []
    project.changed.connect(told.append)
    os.utime(project.folder / "masks/images/sample_00.png", (1, 1))
    assert np.array_equal(project.masks.load(project.samples.get(1)), LEFT)
    assert project.samples.get(1).state is ReviewState.ACCEPTED
    assert told == []


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_a_damaged_mask_is_never_an_empty_one(project: Project, damage: bytes | None) -> None:
    project.masks.save(1, LEFT)
    path = project.folder / "masks/images/sample_00.png"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    for _ in range(2):
        with pytest.raises(BadImage, match=r"sample_00\.png"):
            project.masks.load(project.samples.get(1))
    assert project.samples.get(1).revision == 1


def test_a_mask_of_another_size_is_refused(project: Project) -> None:
    draw(project.folder / "masks/images/sample_00.png", np.ones((5, 7), np.uint8))
    with pytest.raises(BadImage, match=r"7x5 .*64x48"):
        project.masks.load(project.samples.get(1))
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(project.source / "masks/sample_01.png")
    with pytest.raises(BadImage, match=r"7x5 .*64x48"):
        project.masks.load(project.samples.get(2))


def test_reading_changes_nothing_in_a_read_only_project(project: Project) -> None:
    project.masks.save(1, ONES)
    with Project.open(project.folder, is_editor=True), Project.open(project.folder, is_editor=True) as reader:
        draw(project.folder / "masks/images/sample_00.png", LEFT)
        assert np.array_equal(reader.masks.load(reader.samples.get(1)), LEFT)


def test_very_long_and_foreign_names(tmp_path: Path) -> None:
    source = tmp_path / "d"
    source.mkdir()
    names = ["я" * 125 + ".png", "x" * 251 + ".jpg", "лёгкие ü 肺.png", "a.png", "a.jpg", "A.PNG"]
    with Project.create(tmp_path / "p", source, [NewSample(name, None, 3, 2) for name in names]) as project:
        for number, sample in enumerate(project.samples.all()):
            mask = np.full((2, 3), number % 2, np.uint8)
            mask[0, number % 3] = 1
            project.masks.save(sample.id, mask)
            project.masks.seal([sample.id])
            project.masks.save(sample.id, 1 - mask)
            again = project.samples.get(sample.id)
            assert np.array_equal(project.masks.load(again), 1 - mask)
            assert np.array_equal(project.masks.load_revision(again, 1), mask)
        assert len(list((tmp_path / "p" / "masks").iterdir())) == len(names)


# Any order of saves, seals, verdicts and edits by others, against a plain list


class Story(RuleBasedStateMachine):
    """One sample's mask; the model is a list of the masks that must still be readable, by number."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        self.count = getattr(type(self), "runs", 0)
        type(self).runs = self.count + 1
        self.project = make_project(self.folder / str(self.count), 1, (8, 6))
        self.original = self.project.masks.load(self.project.samples.get(1))
        self.kept: dict[int, np.ndarray] = {0: self.original}
        self.number, self.is_sealed, self.state = 0, True, ReviewState.TODO

    def change(self, mask: np.ndarray) -> None:
        if self.number == 0 or not np.array_equal(mask, self.kept[self.number]):
            if self.is_sealed:
                self.number, self.is_sealed = self.number + 1, False
            self.kept[self.number] = mask
            if self.state in (ReviewState.TODO, ReviewState.ACCEPTED):
                self.state = ReviewState.CORRECTED

    @rule(column=st.integers(0, 7), value=st.integers(0, 1))
    def save(self, column: int, value: int) -> None:
        mask = np.full((6, 8), value, np.uint8)
        mask[:, column] = 1 - value
        self.project.masks.save(1, mask)
        self.change(mask)

    @rule()
    def seal(self) -> None:
        self.project.masks.seal([1])
        self.is_sealed = True

    @rule(state=st.sampled_from(list(ReviewState)))
    def decide(self, state: ReviewState) -> None:
        self.project.samples.set_state([1], state)
        if state.is_decided:  # also the same one again: it may be about another mask
            self.is_sealed = True
        self.state = state

    @rule(row=st.integers(0, 5))
    def edit_outside(self, row: int) -> None:
        mask = np.zeros((6, 8), np.uint8)
        mask[row] = 1
        path = self.project.folder / "masks/images/sample_00.png"
        draw(path.with_name("other.png"), mask)
        path.with_name("other.png").replace(path)
        os.utime(path, ns=(1, 10**9 * (self.number + 1) + row))
        self.project.masks.load(self.project.samples.get(1))
        self.change(mask)

    @rule()
    def open_again(self) -> None:
        self.project.close()
        self.project = Project.open(self.project.folder)

    @invariant()
    def everything_is_there(self) -> None:
        sample = self.project.samples.get(1)
        assert (sample.revision, sample.state) == (self.number, self.state)
        assert np.array_equal(self.project.masks.load(sample), self.kept[self.number])
        revisions = self.project.masks.revisions(sample)
        assert {one.number for one in revisions} == self.kept.keys()
        for revision in revisions:
            kept = self.kept[revision.number]
            assert np.array_equal(self.project.masks.load_revision(sample, revision.number), kept)
        assert not list(self.project.folder.rglob(".tmp-*"))

    def teardown(self) -> None:
        if hasattr(self, "project"):
            self.project.close()


def test_any_story_keeps_every_revision(tmp_path: Path) -> None:
    story = type("Story", (Story,), {"folder": tmp_path})
    story.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
    story.TestCase("runTest").runTest()


def test_a_file_written_again_while_the_index_was_waited_for_is_noticed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.masks.save(1, LEFT)
    path = project.masks.path(project.samples.get(1))
    assert path is not None
    transaction = project.transaction

    def late(*topics: str) -> object:
        if "masks" in topics:  # the index is busy; meanwhile somebody else writes the file
            write_atomically(path, encode_mask(ONES))
            os.utime(path, (1, 1))
        return transaction(*topics)

    with monkeypatch.context() as patch:
        patch.setattr(project, "transaction", late)
        project.masks.save(1, 1 - LEFT)
    assert project.masks.load(project.samples.get(1)).all()  # the file wins
    project.masks.save(1, 1 - LEFT)
    assert np.array_equal(project.masks.load(project.samples.get(1)), 1 - LEFT)


def test_a_mask_that_was_read_ahead_is_given_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = project.samples.get(1)
    expected = project.masks.load(sample)
    project.masks.read_ahead(sample)
    with monkeypatch.context() as patched:
        patched.setattr(project.masks, "load", lambda _sample: pytest.fail("it was read ahead"))
        taken = project.masks.take(sample)
    assert np.array_equal(taken, expected)
    taken[:] = 1  # whoever took it owns it
    assert np.array_equal(project.masks.take(sample), expected)


def test_a_mask_that_changed_since_it_was_read_ahead_is_read_again(project: Project) -> None:
    sample = project.samples.get(1)
    project.masks.read_ahead(sample)
    project.masks.save(1, LEFT)
    assert np.array_equal(project.masks.take(project.samples.get(1)), LEFT)
    project.masks.read_ahead(project.samples.get(1))
    write_atomically(project.folder / "masks/images/sample_00.png", encode_mask(ONES))  # by another program
    assert np.array_equal(project.masks.take(project.samples.get(1)), ONES)


def test_a_damaged_mask_is_told_of_when_it_is_taken(project: Project) -> None:
    (project.source / "masks/sample_00.png").write_bytes(b"no picture")
    project.masks.read_ahead(project.samples.get(1))
    with pytest.raises(BadImage):
        project.masks.take(project.samples.get(1))


def test_few_masks_are_kept_ahead(project: Project) -> None:
    for sample in project.samples.all():
        project.masks.read_ahead(sample)
    assert len(project.masks._ahead) <= MOST_AHEAD


def test_a_kept_revision_is_on_the_disk_before_its_file_is_replaced(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    project.masks.seal([1])  # which does not wait for the disk
    sample = project.samples.get(1)
    kept, current = project.masks._history(sample, 1), project.masks._file(sample)
    synced: list[tuple[int, bool]] = []
    fsync, before = os.fsync, current.read_bytes()

    def noted(file: int) -> None:
        fsync(file)
        synced.append((os.fstat(file).st_ino, current.read_bytes() == before))

    monkeypatch.setattr(os, "fsync", noted)
    project.masks.save(1, np.eye(48, 64, dtype=np.uint8))
    assert (kept.stat().st_ino, True) in synced
