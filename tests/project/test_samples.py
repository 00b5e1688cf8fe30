"""Samples and their snapshot: what changed is seen at once, and what did not is not read again."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState, Split
from segstudio.project import mirror, salvage
from segstudio.project.project import Project
from segstudio.project.sample_table import SPLITS, STATES, SampleTable
from segstudio.project.samples import NewSample
from tests.project.projects import SIZE, make_project

COLUMNS = [name for name in SampleTable.__dataclass_fields__ if name != "id"]


def assert_same(one: SampleTable, other: SampleTable) -> None:
    for name in COLUMNS:
        a, b = getattr(one, name), getattr(other, name)
        assert a == b if isinstance(a, list) else np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name


def fresh(project: Project) -> SampleTable:
    with Project.open(project.folder) as other:
        return other.samples.table()


def test_rows_are_the_samples(project: Project) -> None:
    table = project.samples.table()
    assert [table.row(index) for index in range(len(table))] == [project.samples.get(int(one)) for one in table.id]
    assert [table.index_of(int(one)) for one in table.id] == list(range(6))
    with pytest.raises(KeyError):
        table.index_of(99)
    assert list(table.indices_of([6, 99, 1, 0])) == [5, 0]
    with pytest.raises(KeyError):
        project.samples.get(99)


def test_a_snapshot_cannot_be_changed(project: Project) -> None:
    with pytest.raises(ValueError, match="read-only"):
        project.samples.table().state[0] = 1


def test_an_empty_project_has_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with Project.create(tmp_path / "p", tmp_path / "d", []) as project:
        table = project.samples.table()
        assert len(table) == 0
        assert list(table.indices_of([1])) == []
        assert list(project.samples.all()) == []
        assert not table.has_mask.any()


def test_a_sample_is_found_by_its_path_or_by_a_name_that_only_one_has(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    rows = [NewSample(name, None, 1, 1) for name in ("a/1.png", "b/1.png", "b/2.png")]
    with Project.create(tmp_path / "p", tmp_path / "d", rows) as project:
        assert project.samples.by_image("b/1.png").image == "b/1.png"
        assert project.samples.by_image("2.png").image == "b/2.png"
        with pytest.raises(UserError, match="2 samples"):
            project.samples.by_image("1.png")
        with pytest.raises(UserError, match="no sample"):
            project.samples.by_image(".png")


def test_a_verdict_changes_the_snapshot_and_nothing_else_of_it(project: Project) -> None:
    before = project.samples.table()
    assert project.samples.table() is before
    project.samples.set_state([2, 5], ReviewState.ACCEPTED)
    after = project.samples.table()
    assert [STATES[code] for code in after.state] == [
        ReviewState.TODO, ReviewState.ACCEPTED, ReviewState.TODO, ReviewState.TODO, ReviewState.ACCEPTED,
        ReviewState.TODO,
    ]  # fmt: skip
    assert after.image is before.image
    assert before.state.sum() == 0
    assert_same(after, fresh(project))


@pytest.mark.parametrize("state", [ReviewState.FLAGGED, ReviewState.REJECTED])
def test_the_same_verdict_on_another_mask_seals_that_too(project: Project, state: ReviewState) -> None:
    """A flag stays when somebody paints, so the next one changes no state; what was judged can be found again."""
    masks = [np.full(project.masks.load(project.samples.get(1)).shape, value, np.uint8) for value in (1, 0)]
    masks[1][3:9, 4:7] = 1
    project.samples.set_state([1], state)
    assert project.masks.save(1, masks[0]).revision == 1
    project.samples.set_state([1], state)
    assert project.masks.save(1, masks[1]).revision == 2
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 1), masks[0])
    assert np.array_equal(project.masks.load_revision(project.samples.get(1), 2), masks[1])


def test_a_verdict_is_told_once_and_kept_with_its_time(project: Project) -> None:
    told = []
    project.changed.connect(told.append)
    project.samples.set_state([1, 2, 3], ReviewState.FLAGGED)
    assert told == [frozenset({"samples", "acts"})]
    time = project.samples.state_changed(1)
    assert time is not None
    project.samples.set_state([1, 4], ReviewState.FLAGGED)
    assert project.samples.state_changed(1) == time  # it was flagged already
    assert project.samples.state_changed(5) is None
    assert [(line.image, line.state) for line in mirror.read_reviews(project.folder)] == [
        (f"images/sample_0{number}.png", ReviewState.FLAGGED) for number in range(4)
    ]


def test_who_judges_a_suspicious_mask_settles_it_until_it_changes_or_the_verdict_is_taken_back(
    project: Project,
) -> None:
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET suspected_revision = 0, loss_suspicion = id / 6.0, fold_iou = 0.5")

    def suspected() -> list[int]:
        table = project.samples.table()
        assert_same(table, fresh(project))
        return [int(one) for one in table.id[~np.isnan(table.suspicion)]]

    project.samples.set_state([1, 4, 5], ReviewState.ACCEPTED)
    assert suspected() == [1, 2, 3, 6]  # what is not suspicious has nothing to settle
    project.samples.set_state([4], ReviewState.TODO)
    project.samples.set_state([5], ReviewState.FLAGGED)
    assert suspected() == [1, 2, 3, 4, 5, 6]
    project.samples.set_state([6], ReviewState.ACCEPTED)
    project.samples.set_state([6], ReviewState.ACCEPTED)
    assert suspected() == [1, 2, 3, 4, 5]
    project.masks.save(4, np.ones((SIZE[1], SIZE[0]), np.uint8))
    assert suspected() == [1, 2, 3, 5]
    assert np.isnan(project.samples.table().fold_iou[3])


def test_what_was_on_screen_is_remembered_without_a_word(project: Project) -> None:
    told: list[frozenset[str]] = []
    project.changed.connect(told.append)
    project.samples.table()
    project.samples.set_seen([2])
    seen = project.samples.table().seen
    assert list(np.flatnonzero(~np.isnan(seen))) == [1]
    assert abs(seen[1] - time.time()) < 600
    assert told == []


def test_what_was_on_screen_is_written_down_once_again_when_it_is_long(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sample_ids in ([1, 2], [2, 3], [2]) * 3:
        project.samples.set_seen(sample_ids)
    file = project.folder / salvage.SEEN
    seen, text = salvage.read_seen(project.folder), file.read_text(encoding="utf-8")
    salvage.compact_seen(project.folder)
    assert file.read_text(encoding="utf-8") == text, "a small file is left alone"
    monkeypatch.setattr(salvage, "SEEN_SLACK", 10)
    salvage.compact_seen(project.folder)
    assert salvage.read_seen(project.folder) == seen
    assert len(file.read_text(encoding="utf-8").splitlines()) == len(seen) == 3
    salvage.compact_seen(project.folder / "nowhere")


def test_progress_counts_every_state(project: Project) -> None:
    project.samples.set_state([1, 2, 3], ReviewState.ACCEPTED)
    project.samples.set_state([3], ReviewState.REJECTED)
    assert project.samples.progress() == {
        ReviewState.TODO: 3, ReviewState.CORRECTED: 0, ReviewState.ACCEPTED: 2, ReviewState.FLAGGED: 0,
        ReviewState.REJECTED: 1,
    }  # fmt: skip


def test_what_another_process_changed_is_seen(project: Project) -> None:
    before = project.samples.table()
    with Project.open(project.folder) as other:
        other.samples.set_state([3], ReviewState.REJECTED)
    assert STATES[project.samples.table().state[2]] is ReviewState.REJECTED
    assert before.state[2] == 0


def test_a_snapshot_of_changes_that_were_taken_back_is_not_kept(project: Project) -> None:
    before = project.samples.table()

    def fail() -> None:
        with project.transaction("samples"):
            project.samples.set_state([1], ReviewState.ACCEPTED)
            assert STATES[project.samples.table().state[0]] is ReviewState.ACCEPTED
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert_same(project.samples.table(), before)
    assert list(mirror.read_reviews(project.folder)) == []
    project.samples.set_state([2], ReviewState.FLAGGED)
    assert_same(project.samples.table(), fresh(project))


def test_codes_name_states_and_splits(project: Project) -> None:
    table = project.samples.table()
    assert [SPLITS[code] for code in table.split] == [
        Split.TRAIN, Split.TRAIN, Split.VAL, Split.TRAIN, Split.TRAIN, Split.TEST,
    ]  # fmt: skip


changes = st.lists(
    st.tuples(
        st.sampled_from(["state", "mask", "problem", "prediction", "current", "forget", "comment", "undo"]),
        st.integers(1, 4),
        st.integers(0, 4),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(changes=changes)
def test_a_patched_snapshot_is_what_a_fresh_one_would_be(
    changes: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with make_project(tmp_path_factory.mktemp("patched"), 4, (8, 6)) as project:
        runs = [project.runs.create("p", "m", {}, "scratch").id for _ in range(2)]
        project.samples.table()
        for kind, sample_id, value in changes:
            run_id = runs[value % 2]
            match kind:
                case "state":
                    project.samples.set_state([sample_id, 1], STATES[value])
                case "mask":
                    project.masks.save(sample_id, np.full((6, 8), value % 2, np.uint8))
                case "comment":
                    project.samples.set_comment(sample_id, "x" * value)
                    project.samples.add_seconds({sample_id: value})
                case "undo" if project.acts.undoable() is not None:
                    project.acts.undo()
                case "problem":
                    project.samples.set_problem(sample_id, "x" * value)
                case "prediction":
                    probability = np.full((6, 8), value * 60, np.uint8)
                    project.predictions.save(run_id, project.samples.get(sample_id), probability)
                    project.predictions.score(run_id, [sample_id])
                case "current":
                    project.predictions.set_current([None, *runs][value % 3])
                case "forget":
                    project.predictions.forget([(run_id, sample_id)])
            assert_same(project.samples.table(), fresh(project))
