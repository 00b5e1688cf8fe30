"""The strip of validation images, from the files that a training writes."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from segstudio.formats import encode_grey, encode_rgb
from segstudio.ui.panels.strip import FOLDER, StripBox

SHAPE = (16, 40)


def write(folder: Path, *epochs: int) -> None:
    for epoch in epochs:
        (folder / FOLDER / f"epoch_{epoch:04}.png").write_bytes(encode_grey(np.full(SHAPE, epoch * 40, np.uint8)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "0001"
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "images.png").write_bytes(encode_rgb(np.full((*SHAPE, 3), 90, np.uint8)))
    (folder / FOLDER / "masks.png").write_bytes(encode_grey(np.full(SHAPE, 255, np.uint8)))
    return folder


@pytest.fixture
def strip(qtbot: QtBot, run: Path) -> StripBox:
    box = StripBox()
    qtbot.addWidget(box)
    box.show_run(run)
    return box


def test_it_is_hidden_until_there_is_something_to_see(strip: StripBox, run: Path, tmp_path: Path) -> None:
    assert strip.isHidden()
    write(run, 0)
    strip.refresh()
    assert not strip.isHidden()
    assert strip._where.text() == "before training"
    strip.show_run(tmp_path)
    assert strip.isHidden(), "a run of an older version has none"
    strip.show_run(None)
    assert strip.isHidden()


def test_it_follows_the_newest_epoch_unless_a_person_looks_at_another(strip: StripBox, run: Path) -> None:
    write(run, 1, 2, 3)
    strip.refresh()
    assert (strip.epoch, strip.slider.value()) == (3, 2)
    strip.slider.setValue(0)
    assert strip.epoch == 1
    write(run, 4)
    strip.refresh()
    assert (strip.epoch, strip.epochs) == (1, [1, 2, 3, 4])
    strip.show_epoch(2.4)  # under the pointer
    assert (strip.epoch, strip._where.text()) == (2, "epoch 2")
    strip.show_epoch(None)  # it has left
    assert strip.epoch == 1
    strip.slider.setValue(3)
    write(run, 5)
    strip.refresh()
    assert strip.epoch == 5


def test_what_is_missed_is_blue_and_what_agrees_is_not(strip: StripBox, run: Path) -> None:
    write(run, 1, 6)
    strip.refresh()
    agreeing = strip.picture._image.pixelColor(5, 5)
    strip.slider.setValue(0)
    missed = strip.picture._image.pixelColor(5, 5)
    assert missed.blue() > missed.red() + 60
    assert abs(agreeing.blue() - agreeing.red()) < 30


def test_damaged_files_are_no_reason_to_fail(strip: StripBox, run: Path) -> None:
    write(run, 1, 2)
    (run / FOLDER / "epoch_0002.png").write_bytes(b"torn")
    strip.refresh()
    assert not strip.picture.has_image
    strip.slider.setValue(0)
    assert strip.picture.has_image
    (run / FOLDER / "masks.png").write_bytes(b"torn")
    other = StripBox()
    other.show_run(run)
    assert other.isHidden()
