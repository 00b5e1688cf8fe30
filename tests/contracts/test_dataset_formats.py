"""Every dataset format: what it writes of any mask can be read again, and no two files of it have one place."""

import json
import re
from pathlib import PurePosixPath

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.options import choices_of
from segstudio.dataset_formats import DATASET_FORMATS, Exported
from segstudio.exporting import EXPORTERS
from segstudio.jobs.export_dataset import ExportDatasetOptions

EXACT = [name for name in DATASET_FORMATS.names() if name != "yolo"]


def sample(mask: np.ndarray, number: int = 1, stem: str = "clip/a", split: str = "train") -> Exported:
    height, width = mask.shape
    return Exported(number, stem, ".jpg", split, width, height, "accepted", float(mask.mean()), "", "", "x.jpg")


@st.composite
def any_mask(draw):
    """Noise, blobs with holes, nothing, everything, single pixels; odd sizes."""
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    noise = draw(arrays(np.uint8, shape, elements=st.integers(0, 255)))
    blurred = cv2.GaussianBlur(noise, (0, 0), draw(st.floats(0.1, 5)))
    return (blurred > draw(st.integers(0, 255))).astype(np.uint8)


def read_back(name: str, mask: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    form = DATASET_FORMATS[name]()
    files, told = form.describe(sample(mask), mask, ignored)
    again = form.read_back(sample(mask), files, json.loads(json.dumps(told)))
    assert again.dtype == np.uint8
    return again


@pytest.mark.parametrize("name", EXACT)
@given(mask=any_mask())
def test_a_mask_comes_back_pixel_by_pixel(name, mask):
    assert np.array_equal(read_back(name, mask), mask)
    assert np.array_equal(read_back(name, mask, np.ones_like(mask)), mask), "what is ignored is no foreground"


@given(mask=any_mask())
def test_polygons_lose_nothing_of_a_mask_and_add_only_slits_to_holes(mask):
    again = read_back("yolo", mask)
    assert not (mask & ~again & 1).any()
    _, labels = cv2.connectedComponents(1 - mask, connectivity=4)
    border = {0, *np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))}
    if all(label in border for label in np.unique(labels)):
        assert np.array_equal(again, mask), "it has no holes"


@pytest.mark.parametrize("name", DATASET_FORMATS.names())
def test_no_two_files_have_one_place_and_all_lie_below_the_dataset(name):
    form = DATASET_FORMATS[name]("lung")
    mask = np.eye(5, dtype=np.uint8)
    places: list[PurePosixPath] = []
    told = []
    for number, (stem, split) in enumerate([("a", "train"), ("b/a", "train"), ("c", "val"), ("d.e", "test")], start=1):
        one = sample(mask, number, stem, split)
        files, about = form.describe(one, mask, np.flipud(mask).copy())
        assert form.mask_place(one) in {None, *files}
        places += [form.image_place(one), *files]
        told.append((one, about))
    finished = form.finish(told)
    places += finished
    assert len({str(place).lower() for place in places}) == len(places)
    assert not any(place.is_absolute() or ".." in place.parts for place in places)
    assert form.title
    assert form.help.endswith(".")
    assert any(b"lung" in data for data in finished.values()) is form.has_categories


def test_coco_counts_as_its_own_tools_do():
    """Down the columns, background first; a part is what hangs together, and its box and area are its own."""
    mask = np.array([[1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1]], np.uint8)
    ignored = np.array([[0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]], np.uint8)
    form = DATASET_FORMATS["coco"]("lung")
    one = sample(mask, 7, "clip/a", "val")
    files, told = form.describe(one, mask, ignored)
    assert files == {}
    ((place, data),) = form.finish([(one, told)]).items()
    content = json.loads(data)
    assert place == PurePosixPath("annotations/val.json")
    assert content["images"] == [{"id": 7, "file_name": "clip/a.jpg", "width": 4, "height": 3}]
    assert content["categories"] == [{"id": 1, "name": "lung", "supercategory": ""}]
    common = {"image_id": 7, "category_id": 1}
    assert content["annotations"] == [
        {"id": 1, **common, "segmentation": {"size": [3, 4], "counts": [0, 2, 10]}, "area": 2,
         "bbox": [0, 0, 1, 2], "iscrowd": 0},
        {"id": 2, **common, "segmentation": {"size": [3, 4], "counts": [10, 2]}, "area": 2,
         "bbox": [3, 1, 1, 2], "iscrowd": 0},
        {"id": 3, **common, "segmentation": {"size": [3, 4], "counts": [3, 3, 6]}, "area": 3,
         "bbox": [1, 0, 1, 3], "iscrowd": 1},
    ]  # fmt: skip


def test_yolo_names_its_category_whatever_it_is_called():
    form = DATASET_FORMATS["yolo"]("crow's nest: a")
    ones = [(sample(np.ones((2, 2), np.uint8), split=split), None) for split in ("val", "train")]
    (data,) = form.finish(ones).values()
    assert data.decode() == "train: images/train\nval: images/val\nnames:\n  0: 'crow''s nest: a'\n"


def test_help_tells_every_format(capsys):
    from segstudio.cli import main

    with pytest.raises(SystemExit):
        main(["export", "--help"])
    said = re.sub(r"-\s+", "-", capsys.readouterr().out)
    for name in (*DATASET_FORMATS.names(), *EXPORTERS.names()):
        assert name in said
    assert choices_of(ExportDatasetOptions.model_fields["format"]) == DATASET_FORMATS.names()
