"""Filter expressions find what they say, and say what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState, Split
from segstudio.project.filter import FIELDS, compile_filter
from segstudio.project.project import Project
from segstudio.project.sample_table import SampleTable
from segstudio.project.samples import NewSample
from segstudio.project.sorting import SORT_KEYS, sorted_rows

ROWS = [
    NewSample("Lens/A lens.jpg", "m/1.png", 640, 480, Split.TRAIN, "monday", foreground=0.5),
    NewSample("Lens/b.jpg", None, 640, 480, Split.TEST, "", "torn", state=ReviewState.FLAGGED),
    NewSample("xray/Лёгкие 1.png", "m/3.png", 512, 512, Split.VAL, "tuesday", foreground=0.25),
    NewSample("xray/scan[2].png", "m/4.png", 512, 512, Split.TEST, "monday", foreground=0.0),
]
IOU = [0.8, None, 0.3, None]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleTable]:
    folder = tmp_path_factory.mktemp("filter")
    (folder / "d").mkdir()
    with Project.create(folder / "p", folder / "d", ROWS) as project:
        run = project.runs.create("a", "b", {}, "scratch").id
        ids = [project.samples.by_image(row.image).id for row in ROWS]
        with project.transaction("predictions") as connection:
            for sample_id, iou in zip(ids, IOU, strict=True):
                connection.execute(
                    "INSERT INTO prediction (run_id, sample_id, uncertainty, foreground, change, iou, dice, fp, fn) "
                    "VALUES (?, ?, ?, 0.5, ?, ?, ?, 5, ?)",
                    (run, sample_id, sample_id / 10, sample_id / 100, iou, iou, sample_id),
                )
        project.looks.record(f"{run:04}", "list")  # the figures of its test sample are known
        project.predictions.set_current(run)
        with project.transaction("samples") as connection:
            # Of the third, an earlier mask is suspicious.
            for sample_id, seen, revision, loss, fold in [
                (ids[0], "1999-01-01T00:00:00.250+00:00", 0, 0.25, None),
                (ids[2], None, 7, 0.9, 0.9),
                (ids[3], "1999-01-01T00:00:00.500+00:00", 0, 0.5, 0.75),
            ]:
                connection.execute(
                    "UPDATE sample SET seen = ?, suspected_revision = ?, loss_suspicion = ?, fold_suspicion = ?, "
                    "fold_iou = 0.125 WHERE id = ?",
                    (seen, revision, loss, fold, sample_id),
                )
            connection.execute("UPDATE prediction SET fp = NULL, expected = 0.5 WHERE sample_id = ?", (ids[1],))
        project.reviewer = "Анна"
        project.samples.set_state([ids[0]], ReviewState.ACCEPTED)
        project.samples.set_comment(ids[0], "Left lung, [blurred]\nat the rim")
        project.samples.set_comment(ids[2], "fine")
        project.samples.add_seconds({ids[2]: 40.0})
        yield project.samples.table()


def found(table: SampleTable, text: str) -> set[int]:
    return {[row.image for row in ROWS].index(table.image[index]) for index in compile_filter(text).rows(table)}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", {0, 1, 2, 3}),
        ("   ", {0, 1, 2, 3}),
        ("comment:*BLUR*rim", {0}),
        ("comment:blur", {0}),
        ("comment:fine,rim", {0, 2}),
        ("comment:?*", {0, 2}),
        ("-comment:?*", {1, 3}),
        ("comment:[blur", {0}),
        ("reviewer:анна", {0}),
        ("seconds>30", {2}),
        ("state:todo", {2, 3}),
        ("state:accepted,flagged", {0, 1}),
        ("STATE:Flagged", {1}),
        ("-state:todo", {0, 1}),
        ("state!=todo", {0, 1}),
        ("state:todo split:test", {3}),
        ("split=val", {2}),
        ("iou<0.8", {2}),
        ("iou<=0.8", {0, 2}),
        ("iou<1e40", {0, 2}),
        ("iou=0.8", {0}),
        ("iou:0.8", {0}),
        ("iou!=0.8", {1, 2, 3}),
        ("iou>=30%", {0, 2}),
        ("iou:0.2..0.5", {2}),
        ("iou:none", {1, 3}),
        ("-iou:none", {0, 2}),
        ("-iou<0.8", {0, 1, 3}),
        ("foreground=0", {3}),
        ("foreground>0", {0, 2}),
        ("width>512 height<500", {0, 1}),
        ("revision:0", {0, 1, 2, 3}),
        ("mask:no", {1}),
        ("mask:yes,no", {0, 1, 2, 3}),
        ("problem:yes", {1}),
        ("-problem:yes -mask:no", {0, 2, 3}),
        ("group:monday", {0, 3}),
        ("group:*day", {0, 2, 3}),
        ("group:mon", set()),
        ("lens", {0, 1}),
        ("LENS", {0, 1}),
        ("name:lens", {0, 1}),
        ("name:*lens*", {0, 1}),
        ("name:b.*", {1}),
        ("name:lens/*", {0, 1}),
        ("name:?.jpg", {1}),
        ('"a lens"', {0}),
        ('name:"a lens"', {0}),
        ('-"a lens"', {1, 2, 3}),
        ("лёгкие", {2}),
        ("ЛЁГКИЕ", {2}),
        ("scan[2]", {3}),
        ("name:*[2]*", {3}),
        ("name:b,scan", {1, 3}),
        ("a -b.jpg", {0, 2, 3}),
        ("-", set()),
        ("nothing", set()),
        ("state:todo,", {2, 3}),
        ("suspicion>0.5", {3}),
        ("suspicion:none", {1, 2}),
        ("fold_iou<0.5", {0, 3}),
        ("seen:no", {1, 2}),
        ("seen:yes", {0, 3}),
        ("unseen>1000", {0, 1, 2, 3}),
        ("unseen<1e6", {0, 3}),
        ("work>0.4", {1}),
        ("wrong:none", {1}),
    ],
)
def test_expressions(table: SampleTable, text: str, rows: set[int]) -> None:
    assert found(table, text) == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state:done", "state is never 'done' (in the filter, at character 1)"),
        ("lens iuo<0.8", "there is no field 'iuo' (in the filter, at character 6)"),
        ("iou<much", "'much' is not a number (in the filter, at character 1)"),
        ("iou<nan", "'nan' is not a number"),
        ("iou:0.1..", "'' is not a number"),
        ("iou<", "iou< wants a value"),
        ("state<todo", "state cannot be compared with <"),
        ("name>a", "name cannot be compared with >"),
        ('name:"open', "a quote without an end at character 6"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        compile_filter(text)
    assert said in caught.value.message
    assert caught.value.hint


def test_a_near_field_is_proposed() -> None:
    with pytest.raises(UserError) as caught:
        compile_filter("uncertainity>0.2")
    assert caught.value.hint == "did you mean uncertainty?"


signs = ["<", ">=", ":", "!=", "-", '"', " ", "..", "%", "*", "?", "[", ","]
pieces = st.sampled_from([*FIELDS, *signs, "state:todo", "iou", "0.5", "none"])


@given(st.lists(pieces | st.text(max_size=4), max_size=8).map("".join))
@example("-:")
@example('"')
@example("name:*" * 20)
@example("iou:1e999")
@example("width=１２")
def test_any_text_is_rows_or_a_user_error(table: SampleTable, text: str) -> None:
    try:
        rows = compile_filter(text).rows(table)
    except UserError:
        return
    assert rows.dtype == np.intp
    assert list(rows) == sorted(set(rows))
    negated = {0, 1, 2, 3} - set(compile_filter(text).rows(table))
    assert len(negated) == len(table) - len(rows)


@given(st.text(min_size=1).filter(lambda text: '"' not in text))
def test_quotes_hold_anything(table: SampleTable, text: str) -> None:
    compile_filter(f'name:"{text}"').rows(table)


# Sorting


def order(table: SampleTable, key: str, *, is_reversed: bool = False) -> list[int]:
    names = [row.image for row in ROWS]
    rows = sorted_rows(table, np.arange(len(table)), key, is_reversed=is_reversed)
    return [names.index(table.image[row]) for row in rows]


@pytest.mark.parametrize(
    ("key", "forward", "backward"),
    [
        ("name", [0, 1, 3, 2], [2, 3, 1, 0]),
        ("iou", [2, 0, 1, 3], [0, 2, 1, 3]),  # those without come last both ways
        ("dice", [2, 0, 1, 3], [0, 2, 1, 3]),
        ("state", [3, 2, 0, 1], [1, 0, 3, 2]),
        ("split", [0, 2, 1, 3], [1, 3, 2, 0]),
        ("uncertainty", [2, 3, 1, 0], [0, 1, 3, 2]),
        ("changed", [2, 3, 1, 0], [0, 1, 3, 2]),
        ("work", [2, 3, 1, 0], [0, 1, 3, 2]),
        ("suspicion", [3, 0, 1, 2], [0, 3, 1, 2]),
        ("unseen", [1, 2, 0, 3], [3, 0, 1, 2]),  # a quarter of a second tells
    ],
)
def test_orders(table: SampleTable, key: str, forward: list[int], backward: list[int]) -> None:
    assert order(table, key) == forward
    assert order(table, key, is_reversed=True) == backward


def test_sorting_keeps_to_the_rows_it_is_given(table: SampleTable) -> None:
    assert sorted(sorted_rows(table, np.array([3, 1]), "iou")) == [1, 3]
    for key in SORT_KEYS:
        assert len(sorted_rows(table, np.empty(0, np.intp), key)) == 0


def test_an_unknown_order_names_the_known_ones(table: SampleTable, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be sorted by 'colour'"):
        sorted_rows(table, np.arange(4), "colour")
