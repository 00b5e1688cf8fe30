"""Document: the only way to change a mask, against a model that keeps full copies."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from segstudio.core.document import Document
from segstudio.core.edit import Edit, Patch
from segstudio.core.history import History
from segstudio.core.mask import Rect
from segstudio.core.raster import brush_centre, capsule


class SaidToJournal:
    def __init__(self) -> None:
        self.said: list[object] = []

    def edit(self, edit: Edit) -> None:
        self.said.append(edit)

    def undo(self) -> None:
        self.said.append("undo")

    def redo(self) -> None:
        self.said.append("redo")

    @property
    def position(self) -> int:
        return len(self.said)


def paint(document: Document, x: float, y: float, value: int = 1, radius: int = 9) -> None:
    with document.stroke("Brush") as stroke:
        centre = brush_centre(x, y, radius)
        stroke.fill_spans(capsule(stroke.shape, centre, centre, radius), value)


def test_the_mask_can_be_changed_only_through_the_document() -> None:
    document = Document(np.zeros((9, 9), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        document.mask[0, 0] = 1
    view = document.mask
    paint(document, 4, 4)
    assert view is document.mask
    assert view.any()


def test_a_read_only_mask_is_copied() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask.flags.writeable = False
    document = Document(mask)
    paint(document, 4, 4)
    assert not mask.any()


def test_every_change_is_told_in_order() -> None:
    journal = SaidToJournal()
    document = Document(np.zeros((300, 300), np.uint8), journal=journal)
    rects: list[Rect] = []
    steps: list[str] = []
    document.changed.connect(rects.append)
    document.history_changed.connect(lambda: steps.append(document.history.undo_label))
    paint(document, 10, 10)
    paint(document, 10, 10)  # changes nothing
    assert steps == ["Brush"]
    assert document.revision_counter == 1
    document.replace(np.ones((300, 300), bool), "Fill all")
    assert document.undo()
    assert document.undo()
    assert not document.undo()
    assert document.redo()
    assert document.redo()
    assert not document.redo()
    assert steps == ["Brush", "Fill all", "Brush", "", "Brush", "Fill all"]
    assert [said if isinstance(said, str) else said.label for said in journal.said] == [
        "Brush", "Fill all", "undo", "undo", "redo", "redo"
    ]  # fmt: skip
    assert document.revision_counter == 6
    assert rects[-1] == Rect(0, 0, 300, 300)


def test_an_exception_cancels_the_stroke() -> None:
    journal = SaidToJournal()
    document = Document(np.eye(50, dtype=np.uint8), journal=journal)
    rects: list[Rect] = []

    def paint_and_fail() -> None:
        with document.stroke("Brush") as stroke:
            stroke.fill_spans(capsule(stroke.shape, (41, 41), (41, 41), 9), 1)
            document.changed.connect(rects.append)
            raise KeyError

    with pytest.raises(KeyError):
        paint_and_fail()
    assert np.array_equal(document.mask, np.eye(50))
    assert rects == [Rect(16, 16, 9, 9)]
    assert not journal.said
    assert not document.history.can_undo
    assert not document.is_stroke_open
    paint(document, 4, 4)
    assert document.history.can_undo


def test_nothing_else_happens_during_a_stroke() -> None:
    document = Document(np.zeros((50, 50), np.uint8))
    paint(document, 10, 10)
    with document.stroke("Brush"):
        assert not document.undo()
        assert not document.redo()
        with pytest.raises(RuntimeError, match="under way"):
            document.replace(np.ones((50, 50), np.uint8), "Fill all")
        with pytest.raises(RuntimeError, match="under way"), document.stroke("Eraser"):
            pass
    assert document.history.undo_label == "Brush"


def test_a_snapshot_is_without_the_stroke_under_way() -> None:
    document = Document(np.zeros((300, 300), np.uint8))
    paint(document, 10, 10)
    finished = document.mask.copy()
    with document.stroke("Brush") as stroke:
        stroke.fill_spans(capsule(stroke.shape, (1, 1), (599, 599), 50), 1)
        snapshot = document.snapshot()
    assert np.array_equal(snapshot.mask, finished)
    assert snapshot.counter == 1
    document.saved(snapshot)
    assert not document.is_saved
    document.saved(document.snapshot())
    assert document.is_saved
    document.undo()
    assert not document.is_saved


def test_a_document_that_is_ahead_of_its_file_is_not_saved() -> None:
    document = Document(np.zeros((3, 3), np.uint8), is_saved=False)
    assert not document.is_saved
    document.saved(document.snapshot())
    assert document.is_saved


def test_the_outcome_of_an_edit_may_be_given_with_it() -> None:
    rng = np.random.default_rng(3)
    before = (rng.random((300, 400)) < 0.5).astype(np.uint8)
    after = before.copy()
    after[20:250, 130:390] = 1
    edit = Edit.between(before, after, "Fill")
    document, told = Document(before.copy()), []
    document.changed.connect(told.append)
    rect = Rect(100, 10, 300, 260)
    document.apply(edit, Patch(rect, after[rect.slices]))
    assert np.array_equal(document.mask, after)
    assert told == [edit.bounds]
    document.undo()
    assert np.array_equal(document.mask, before)
    document.redo()
    assert np.array_equal(document.mask, after)
    small = Rect(100, 10, 50, 50)
    with pytest.raises(ValueError, match="covers"):
        Document(before.copy()).apply(edit, Patch(small, after[small.slices]))


def test_a_foreign_edit_and_a_foreign_mask_are_refused() -> None:
    document = Document(np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match="cannot follow"):
        document.replace(np.zeros((3, 4), np.uint8), "Paste")
    with pytest.raises(ValueError, match="does not fit"):
        document.apply(Edit.between(np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8), "Paste"))
    with pytest.raises(ValueError, match="a mask"):
        Document(np.full((3, 3), 2, np.uint8))
    assert document.revision_counter == 0


class Machine(RuleBasedStateMachine):
    """Any order of changes leaves the document as a model that keeps full copies."""

    @initialize(height=st.sampled_from([1, 60, 128, 200]), width=st.sampled_from([1, 90, 129, 260]))
    def start(self, height: int, width: int) -> None:
        self.document = Document(np.zeros((height, width), np.uint8), History(budget=2000))
        self.past: list[np.ndarray] = []
        self.now = np.zeros((height, width), np.uint8)
        self.future: list[np.ndarray] = []
        self.proposed_on: np.ndarray | None = None
        self.screen = self.now.copy()
        self.document.changed.connect(self.repaint)

    def repaint(self, rect: Rect) -> None:
        self.screen[rect.slices] = self.document.mask[rect.slices]

    def changed_to(self, mask: np.ndarray) -> None:
        if not np.array_equal(mask, self.now):
            self.keep_in_model()
            self.past.append(self.now)
            self.now, self.future = mask, []

    def keep_in_model(self) -> None:
        if self.proposed_on is not None and not np.array_equal(self.proposed_on, self.now):
            self.past.append(self.proposed_on)
            self.future = []
        self.proposed_on = None

    @precondition(lambda self: not (self.document.history.past or self.document.history.future))
    @rule(seed=st.integers(-1, 3))
    def propose(self, seed: int) -> None:
        before = self.now if self.proposed_on is None else self.proposed_on
        mask = before if seed < 0 else (np.random.default_rng(seed).random(before.shape) < 0.5).astype(np.uint8)
        was_saved = self.document.is_saved
        self.document.propose(Edit.between(before, mask, "Take"))
        assert (self.document.is_saved, self.document.is_proposed) == (was_saved, True)
        self.proposed_on, self.now = before, mask

    @rule()
    def keep_proposal(self) -> None:
        is_new = self.proposed_on is not None and not np.array_equal(self.proposed_on, self.now)
        assert self.document.keep_proposal() == is_new
        self.keep_in_model()

    @rule(
        points=st.lists(st.tuples(st.integers(-99, 700), st.integers(-99, 700)), min_size=1, max_size=4),
        diameter=st.integers(1, 120),
        value=st.integers(0, 1),
        is_cancelled=st.booleans(),
    )
    def paint(self, points: list[tuple[int, int]], diameter: int, value: int, is_cancelled: bool) -> None:
        wanted = self.now.copy()
        y, x = np.mgrid[: wanted.shape[0], : wanted.shape[1]]
        try:
            with self.document.stroke("Brush") as stroke:
                for point in points:
                    stroke.fill_spans(capsule(stroke.shape, point, point, diameter), value)
                    inside = (2 * x + 1 - point[0]) ** 2 + (2 * y + 1 - point[1]) ** 2 <= diameter**2
                    wanted[inside] = value
                assert np.array_equal(self.document.mask, wanted)
                if is_cancelled:
                    raise InterruptedError
        except InterruptedError:
            return
        self.changed_to(wanted)

    @rule(seed=st.integers(0, 9))
    def replace(self, seed: int) -> None:
        mask = (np.random.default_rng(seed).random(self.now.shape) < 0.5).astype(np.uint8)
        self.document.replace(mask, "Paste")
        self.changed_to(mask)

    @rule()
    def undo(self) -> None:
        # The budget may have made the document forget what the model still knows.
        if self.document.is_proposed:
            assert self.document.undo()
            self.now, self.proposed_on = self.proposed_on, None
        elif self.document.undo():
            self.future.append(self.now)
            self.now = self.past.pop()
        else:
            self.past.clear()

    @rule()
    def redo(self) -> None:
        assert self.document.redo() == bool(self.future)
        if self.future:
            self.past.append(self.now)
            self.now = self.future.pop()

    @precondition(lambda self: hasattr(self, "document"))
    @invariant()
    def equal(self) -> None:
        assert np.array_equal(self.document.mask, self.now)
        assert np.array_equal(self.screen, self.now)
        assert self.document.is_proposed == (self.proposed_on is not None)
        assert len(self.document.history.past) <= len(self.past)
        assert len(self.document.history.future) == len(self.future)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_going_to_an_edit_is_one_act() -> None:
    journal = SaidToJournal()
    document = Document(np.zeros((300, 300), np.uint8), journal=journal)
    masks = [document.mask.copy()]
    for x in (50, 150, 250):
        paint(document, x, x)
        masks.append(document.mask.copy())
    first, second, third = document.history.past
    told, changed, counter = [], [], document.revision_counter
    document.history_changed.connect(lambda: told.append(None))
    document.changed.connect(changed.append)
    assert document.go_to(first)
    assert np.array_equal(document.mask, masks[1])
    assert (document.history.past, document.history.future) == ((first,), (second, third))
    assert (len(told), len(changed), document.revision_counter) == (1, 1, counter + 1)
    assert journal.said[-2:] == ["undo", "undo"]
    assert document.go_to(third)
    assert np.array_equal(document.mask, masks[3])
    assert document.go_to(None)
    assert not document.mask.any()
    assert document.go_to(None)
    assert len(told) == 3
    assert document.redo()
    paint(document, 10, 200)
    assert not document.go_to(third)
    with document.stroke("Brush"):
        assert not document.go_to(None)
    assert document.history.past[0] is first


def test_an_edit_says_when_it_was_made() -> None:
    document = Document(np.zeros((90, 90), np.uint8))
    paint(document, 40, 40)
    (edit,) = document.history.past
    assert edit.made is not None
    back = Edit.from_bytes(edit.to_bytes())
    assert (back, back.made) == (edit, edit.made)
    old = Edit.between(np.zeros((9, 9), np.uint8), np.ones((9, 9), np.uint8), "Brush")
    assert old.made is None
    assert Edit.from_bytes(old.to_bytes()).made is None


def test_what_is_proposed_is_no_step_before_somebody_paints_on_it() -> None:
    journal, empty = SaidToJournal(), np.zeros((300, 300), np.uint8)
    document = Document(empty.copy(), journal=journal)
    proposed, other = empty.copy(), empty.copy()
    proposed[20:90, 30:200] = 1
    other[5:9, 5:9] = 1
    changed = []
    document.changed.connect(changed.append)
    document.propose(Edit.between(empty, proposed, "Take"))
    assert changed == [Rect(30, 20, 170, 70)]
    document.propose(Edit.between(empty, other, "Take"))
    assert np.array_equal(document.mask, other)
    document.propose(Edit.between(empty, proposed, "Take"))
    assert (document.is_proposed, document.is_saved, document.history.can_undo, journal.said) == (True, True, False, [])
    with document.stroke("Nothing"):
        pass
    assert document.is_proposed
    assert document.undo()
    assert not document.mask.any()
    assert (document.is_proposed, document.is_saved, document.undo()) == (False, True, False)

    document.propose(Edit.between(empty, proposed, "Take"))
    paint(document, 250, 250)
    painted = document.mask.copy()
    assert [edit.label for edit in document.history.past] == ["Take", "Brush"]
    assert len(journal.said) == 2
    assert not document.is_saved
    assert document.undo()
    assert np.array_equal(document.mask, proposed)
    assert document.undo()
    assert not document.mask.any()
    assert document.redo()
    assert document.redo()
    assert np.array_equal(document.mask, painted)
    with pytest.raises(RuntimeError, match="somebody has changed"):
        document.propose(Edit.between(empty, other, "Take"))


def test_what_is_proposed_is_kept_as_one_step_unless_it_changes_nothing() -> None:
    empty = np.zeros((90, 90), np.uint8)
    full = np.ones_like(empty)
    document = Document(empty.copy())
    assert not document.keep_proposal()
    document.propose(Edit.between(empty, empty, "Take"))
    assert document.is_proposed
    assert not document.keep_proposal()
    assert not document.is_proposed
    assert document.is_saved
    document.propose(Edit.between(empty, full, "Take"))
    assert document.keep_proposal()
    assert np.array_equal(document.mask, full)
    assert (len(document.history.past), document.is_saved) == (1, False)
