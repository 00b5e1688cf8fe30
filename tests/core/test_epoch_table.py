"""metrics.csv: written by a training, read by whoever shows curves."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.epoch_table import METRICS, load_epochs, save_epochs

FIGURES = st.dictionaries(
    st.sampled_from(["loss", "val_loss", "iou", "learning_rate"]), st.floats(allow_nan=True), min_size=1
)


@settings(max_examples=20, deadline=None)
@given(figures=st.lists(FIGURES, min_size=1, max_size=5))
def test_epochs_are_read_as_they_were_written(
    figures: list[dict[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / METRICS
    save_epochs([{"epoch": epoch, **line} for epoch, line in enumerate(figures, start=1)], path)
    for line, read in zip(figures, load_epochs(path), strict=True):
        assert read.keys() - {"epoch"} == line.keys()
        assert all(read[name] == value or math.isnan(read[name]) == math.isnan(value) for name, value in line.items())


def test_an_epoch_that_was_run_twice_counts_the_last_time(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "loss": 0.5, "memory": 12}, {"epoch": 2, "loss": 0.25}, {"epoch": 2, "loss": 0.125}]
    save_epochs(rows, tmp_path / METRICS)
    assert (tmp_path / METRICS).read_text(encoding="utf-8").splitlines() == [
        "epoch,loss,memory", "1,0.5,12", "2,0.25,", "2,0.125,",
    ]  # fmt: skip
    assert load_epochs(tmp_path / METRICS) == [{"epoch": 1, "loss": 0.5, "memory": 12}, {"epoch": 2, "loss": 0.125}]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"epoch\n", b"loss\n0.5\n", b"epoch,loss\nfirst,0.5\n"])
def test_without_a_whole_file_there_are_no_epochs(content: bytes, tmp_path: Path) -> None:
    assert load_epochs(tmp_path / METRICS) == []
    (tmp_path / METRICS).write_bytes(content)
    assert load_epochs(tmp_path / METRICS) == []


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text("epoch,loss,iou\n2,0.25,0.7,9\n1,bad,0.5\n", encoding="utf-8")
    assert load_epochs(tmp_path / METRICS) == [{"epoch": 1, "iou": 0.5}, {"epoch": 2, "loss": 0.25, "iou": 0.7}]
