"""All that a person does to masks, through the real project, documents and journals, against plain arrays and lists.

Whatever is painted, undone, gone back to, saved, switched away from, killed or opened again: the mask, what can be
undone and redone, and every sealed revision are those of the model.
"""

import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from segstudio.core.changes import changes
from segstudio.core.document import Document
from segstudio.core.mask import Rect
from segstudio.core.raster import Region
from segstudio.core.sample import ReviewState
from segstudio.project.documents import close_document, open_document, save_document
from segstudio.project.journal import Journal, journal_path
from segstudio.project.project import Project
from tests.project.projects import make_project

SIZE = (140, 131)
"""Width and height: more than one tile of an edit each way."""

SAMPLES = (1, 2, 3)

X, Y = st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1)
SIDES = st.integers(1, 60)


@dataclass
class Model:
    """One sample, as a child would keep it.

    Attributes:
        states: The mask before all edits and after each of them, the undone ones too.
        labels: What each edit was; one fewer than states.
        at: Which of the states holds.
        saved: What lies in the file.
        sealed: Revisions that somebody relies on, by number.
    """

    states: list[np.ndarray]
    labels: list[str] = field(default_factory=list)
    at: int = 0
    saved: np.ndarray | None = None
    sealed: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def mask(self) -> np.ndarray:
        return self.states[self.at]

    def do(self, mask: np.ndarray, label: str) -> None:
        if not np.array_equal(mask, self.mask):  # else it is no edit
            self.states = [*self.states[: self.at + 1], mask]
            self.labels = [*self.labels[: self.at], label]
            self.at += 1


class Machine(RuleBasedStateMachine):
    """A project with one sample open."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.project = make_project(self.home, len(SAMPLES), SIZE)
        self.crashes = 0
        run = self.project.runs.create("p", "m", {}, "scratch")
        self.predicted = {}
        for sample in self.project.samples.all():
            truth = self.project.masks.load(sample)
            self.predicted[sample.id] = np.roll(truth, (9, -7), (0, 1))
            self.project.predictions.save(run.id, sample, self.predicted[sample.id] * np.uint8(200))
        self.project.predictions.score(run.id)
        self.project.predictions.set_current(run.id)
        self.run = run.id
        self.models = {sample.id: Model([self.project.masks.load(sample)]) for sample in self.project.samples.all()}
        self.open(SAMPLES[0])
        for place in range(4):  # something to go back to from the beginning
            self.paint_one(20 * place, 25 * place, 30, 40, place % 3 != 2)

    def open(self, sample_id: int) -> None:
        self.sample_id = sample_id
        opened = open_document(self.project, self.project.samples.get(sample_id))
        assert opened.notes == []
        self.document: Document = opened.document

    @property
    def model(self) -> Model:
        return self.models[self.sample_id]

    @property
    def sample(self):
        return self.project.samples.get(self.sample_id)

    # what a person does

    @rule(strokes=st.lists(st.tuples(X, Y, SIDES, SIDES, st.integers(0, 1)), min_size=2, max_size=5))
    def paint(self, strokes: list[tuple[int, int, int, int, int]]) -> None:
        for stroke in strokes:
            self.paint_one(*stroke)

    def paint_one(self, x: int, y: int, width: int, height: int, value: int) -> None:
        rect = Rect(x, y, width, height).clip(self.document.shape)
        label = "Brush" if value else "Eraser"
        with self.document.stroke(label) as stroke:
            stroke.fill_region(Region(rect, np.ones((rect.height, rect.width), np.bool_)), value)
        after = self.model.mask.copy()
        after[rect.slices] = value
        self.model.do(after, label)

    @rule(x=X, y=Y)
    def paint_and_change_the_mind(self, x: int, y: int) -> None:
        rect = Rect(x, y, 50, 50).clip(self.document.shape)
        with contextlib.suppress(InterruptedError), self.document.stroke("Brush") as stroke:
            stroke.fill_region(Region(rect, np.ones((rect.height, rect.width), np.bool_)), 1)
            raise InterruptedError

        self.paint_what_is_so_already(x, y)

    def paint_what_is_so_already(self, x: int, y: int) -> None:
        value = int(self.model.mask[y, x])
        with self.document.stroke("Brush") as stroke:
            stroke.fill_region(Region(Rect(x, y, 1, 1), np.ones((1, 1), np.bool_)), value)
        self.document.replace(self.model.mask.copy(), "Nothing")

    @rule()
    def accept_prediction(self) -> None:
        self.document.replace(self.predicted[self.sample_id], "Take prediction")
        self.model.do(self.predicted[self.sample_id], "Take prediction")

    @precondition(lambda self: self.model.at > 0)
    @rule(times=st.integers(1, 4))
    def undo(self, times: int) -> None:
        for _ in range(times):
            assert self.document.undo() == (self.model.at > 0)
            self.model.at = max(0, self.model.at - 1)

    @precondition(lambda self: self.model.at < len(self.model.labels))
    @rule(times=st.integers(1, 4))
    def redo(self, times: int) -> None:
        for _ in range(times):
            assert self.document.redo() == (self.model.at < len(self.model.labels))
            self.model.at = min(len(self.model.labels), self.model.at + 1)

    @precondition(lambda self: self.model.labels)
    @rule(share=st.floats(0, 1))
    def go_to_an_entry(self, share: float) -> None:
        place = round(share * len(self.model.labels))
        edits = (*self.document.history.past, *self.document.history.future)
        assert self.document.go_to(edits[place - 1] if place else None)
        self.model.at = place

    @rule()
    def save(self) -> None:
        save_document(self.project, self.sample, self.document)
        self.note_saved()

    @rule(verdict=st.sampled_from((ReviewState.ACCEPTED, ReviewState.FLAGGED, ReviewState.TODO)))
    def judge(self, verdict: ReviewState) -> None:
        self.save()
        self.project.samples.set_state([self.sample_id], verdict)
        if verdict.is_decided and self.sample.revision:
            self.model.sealed[self.sample.revision] = self.model.mask

    @rule(data=st.data())
    def take_a_revision(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([0, *self.model.sealed]))
        wanted = self.project.masks.load_revision(self.sample, number)
        self.document.replace(wanted, f"Revision {number}")
        self.model.do(wanted, f"Revision {number}")

    @rule(sample_id=st.sampled_from(SAMPLES), is_saved=st.booleans())
    def switch(self, sample_id: int, is_saved: bool) -> None:
        if is_saved:
            self.save()
        close_document(self.document)
        self.open(sample_id)

    @rule(is_saved=st.booleans())
    def reopen(self, is_saved: bool) -> None:
        if is_saved:
            self.save()
        close_document(self.document)
        self.project.close()
        self.project = Project.open(self.project.folder)
        self.open(self.sample_id)

    @rule()
    def make_the_journal_smaller(self) -> None:
        assert isinstance(self.document.journal, Journal)
        self.document.journal.compact()

    @rule(when=st.sampled_from(("at rest", "announced", "written")))
    def crash(self, when: str) -> None:
        """The folder as it is at that moment is all that is left."""
        journal = self.document.journal
        assert isinstance(journal, Journal)
        if when != "at rest":
            snapshot = self.document.snapshot()
            journal.before_save(snapshot.mask, snapshot.position)
            if when == "written":
                self.project.masks.save(self.sample_id, snapshot.mask)
                self.note_saved()
        self.crashes += 1
        left = self.home / f"crash-{self.crashes}"
        shutil.copytree(self.project.folder, left)
        close_document(self.document)
        self.project.close()
        shutil.rmtree(self.project.folder)
        self.project = Project.open(left)
        self.open(self.sample_id)

    def note_saved(self) -> None:
        self.model.saved = self.model.mask

    # what must always be so

    @invariant()
    def the_mask_is_that_of_the_model(self) -> None:
        assert np.array_equal(self.document.mask, self.model.mask)

    @invariant()
    def the_history_is_that_of_the_model(self) -> None:
        past, future = self.document.history.past, self.document.history.future
        assert [edit.label for edit in past] == self.model.labels[: self.model.at]
        assert [edit.label for edit in future] == self.model.labels[self.model.at :]
        assert all(edit.made is not None for edit in (*past, *future))

    @invariant()
    def what_is_on_the_disk_is_enough(self) -> None:
        """Whoever was killed now would find all of it."""
        path = journal_path(self.project.folder / "journal", self.sample.stem)
        opened = Journal.open(path, self.project.masks.load(self.sample), is_read_only=True)
        assert opened.note is None
        assert np.array_equal(opened.mask, self.model.mask)
        assert [edit.label for edit in opened.history.past] == self.model.labels[: self.model.at]
        assert [edit.label for edit in opened.history.future] == self.model.labels[self.model.at :]

    @invariant()
    def what_each_edit_did_is_known(self) -> None:
        past, future = self.document.history.past, self.document.history.future
        found = changes(self.document.mask.copy(), past, future, {})
        for edit, before, after in zip((*past, *future), self.model.states[:-1], self.model.states[1:], strict=True):
            assert found[id(edit)].added == np.count_nonzero(after > before)
            assert found[id(edit)].removed == np.count_nonzero(before > after)

    @invariant()
    def files_hold_what_was_saved(self) -> None:
        for sample_id, model in self.models.items():
            sample = self.project.samples.get(sample_id)
            if model.saved is not None:
                assert np.array_equal(self.project.masks.load(sample), model.saved)
            for number, mask in model.sealed.items():
                assert np.array_equal(self.project.masks.load_revision(sample, number), mask)

    def teardown(self) -> None:
        if hasattr(self, "project"):
            close_document(self.document)
            self.project.close()
            shutil.rmtree(self.home)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
