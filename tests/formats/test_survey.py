"""Which mask values are foreground: recognised where it is sure, asked for where it is not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.formats import read_mask
from segstudio.formats.foreground import ForegroundRule, parse_foreground
from segstudio.formats.survey import foreground_share, mask_facts, survey_masks


def disc(size: int = 64, radius: int = 20) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    return ((x - size / 2) ** 2 + (y - size / 2) ** 2 < radius**2).astype(np.uint8)


def saved(folder: Path, *masks: np.ndarray, suffix: str = ".png", **options: object) -> list[Path]:
    paths = [folder / f"{number}{suffix}" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        Image.fromarray(mask).save(path, **options)
    return paths


def soft(value: int = 255) -> np.ndarray:
    return cv2.resize(disc(256, 80) * np.uint8(value), (64, 64), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("value", [1, 3, 100, 128, 255])
def test_one_value_is_foreground(tmp_path: Path, value: int) -> None:
    paths = saved(tmp_path, disc() * np.uint8(value), np.zeros((64, 64), np.uint8))
    survey = survey_masks(paths)
    assert not survey.needs_choice
    assert np.array_equal(read_mask(paths[0], survey.rule), disc())
    assert not read_mask(paths[1], survey.rule).any()


def test_one_colour_is_foreground(tmp_path: Path) -> None:
    colours = disc()[..., None] * np.array([250, 50, 83], np.uint8)
    survey = survey_masks(saved(tmp_path, colours))
    assert survey.rule == ForegroundRule(kind="values", values=((250, 50, 83),))
    assert survey.is_colour
    assert not survey.needs_choice


@pytest.mark.parametrize("top", [255, 200])
def test_soft_edges_get_a_threshold(tmp_path: Path, top: int) -> None:
    survey = survey_masks(saved(tmp_path, soft(top)))
    assert not survey.needs_choice
    assert survey.rule == ForegroundRule(kind="threshold", threshold=127)


def test_soft_edges_of_dark_masks_get_half_of_their_brightness(tmp_path: Path) -> None:
    survey = survey_masks(saved(tmp_path, soft(100)))
    assert not survey.needs_choice
    assert survey.rule.threshold == 50


def test_masks_kept_as_jpeg(tmp_path: Path) -> None:
    paths = saved(tmp_path, disc() * np.uint8(255), suffix=".jpg", quality=80)
    survey = survey_masks(paths)
    assert not survey.needs_choice
    assert np.mean(read_mask(paths[0], survey.rule) != disc()) < 0.01


@pytest.mark.parametrize("values", [(1, 2), (85, 170, 255), (1, 255), (128, 255), tuple(range(1, 90)), (254, 255)])
def test_real_classes_are_asked_for(tmp_path: Path, values: tuple[int, ...]) -> None:
    mask = np.zeros((64, 90), np.uint8)
    for column, value in enumerate(values):
        mask[10:60, 90 * column // len(values) : 90 * (column + 1) // len(values)] = value
    mask = mask.repeat(3, axis=1)  # areas, not lines
    survey = survey_masks(saved(tmp_path, mask))
    assert survey.needs_choice
    assert {one.value for one in survey.values} == {(value,) for value in values}


def test_a_class_with_an_ignored_border_is_asked_for(tmp_path: Path) -> None:
    mask = disc() * np.uint8(5)
    mask[(disc(radius=22) > 0) & (disc() == 0)] = 255
    mask[:5] = 7
    assert survey_masks(saved(tmp_path, mask)).needs_choice


def test_a_rare_value_in_one_of_many_masks_is_found(tmp_path: Path) -> None:
    masks = [disc() * np.uint8(255) for _ in range(40)]
    masks[33] = masks[33].copy()
    masks[33][:4, :4] = 128
    paths = saved(tmp_path, *masks)
    survey = survey_masks(paths)
    assert survey.needs_choice
    rare = survey.values[-1]
    assert (rare.value, rare.files, rare.example) == ((128,), 1, paths[33])
    assert rare.share == pytest.approx(16 / (40 * 64 * 64))


def test_no_masks_are_not_empty_masks() -> None:
    survey = survey_masks([])
    assert not survey.needs_choice
    assert survey.reason == "there are no masks yet"


def test_empty_masks_need_no_choice(tmp_path: Path) -> None:
    survey = survey_masks(saved(tmp_path, np.zeros((8, 8), np.uint8)))
    assert not survey.needs_choice
    assert survey.values == []
    assert not survey_masks([]).needs_choice


def test_a_damaged_mask_is_noted(tmp_path: Path) -> None:
    paths = saved(tmp_path, disc() * np.uint8(255))
    broken = tmp_path / "broken.png"
    broken.write_bytes(paths[0].read_bytes()[:60])
    report = ListReporter()
    survey = survey_masks([broken, *paths], report)
    assert [path for path, _ in survey.problems] == [broken]
    assert "broken.png" not in survey.problems[0][1]
    assert report.progresses[-1][:2] == (2, 2)


def test_shares_agree_with_the_masks_themselves(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    for path in saved(tmp_path, disc() * np.uint8(255), soft(), photo, np.full((4, 4), 255, np.uint8)):
        facts = mask_facts(path)
        for rule in (ForegroundRule(), ForegroundRule(kind="nonzero"), ForegroundRule(kind="values", values=((255,),))):
            assert foreground_share(path, facts, rule) == pytest.approx(read_mask(path, rule).mean())


def test_real_masks(test_data: Path) -> None:
    survey = survey_masks(sorted((test_data / "lungs" / "masks").iterdir()))
    assert (survey.rule, survey.needs_choice) == (ForegroundRule(kind="threshold", threshold=127), False)
    assert len(survey.values) > 100
    semantic = survey_masks(sorted((test_data / "odd/palette_masks/semantic").iterdir()))
    assert semantic.needs_choice


@pytest.mark.parametrize(
    ("text", "is_colour", "rule"),
    [
        ("1,2", False, ForegroundRule(kind="values", values=((1,), (2,)))),
        ("1, 2, 3", False, ForegroundRule(kind="values", values=((1,), (2,), (3,)))),
        ("250,50,83", True, ForegroundRule(kind="values", values=((250, 50, 83),))),
        ("#fa3253", True, ForegroundRule(kind="values", values=((250, 50, 83),))),
        ("#FA3253;0,255,0", True, ForegroundRule(kind="values", values=((250, 50, 83), (0, 255, 0)))),
        ("> 100", False, ForegroundRule(threshold=100)),
        ("nonzero", False, ForegroundRule(kind="nonzero")),
    ],
)
def test_what_a_person_types(text: str, is_colour: bool, rule: ForegroundRule) -> None:
    assert parse_foreground(text, is_colour=is_colour) == rule


@pytest.mark.parametrize("text", ["", "red", "256", "-1", "#fff", "1;x", ">300", ";"])
def test_what_nobody_understands(text: str) -> None:
    with pytest.raises(UserError):
        parse_foreground(text, is_colour=False)


def test_rules_see_grey_in_colours_and_the_other_way_round() -> None:
    grey = np.array([[0, 7, 9]], np.uint8)
    colours = np.stack([grey] * 3, axis=-1)
    rule = ForegroundRule(kind="values", values=((7,), (9, 9, 9), (1, 2, 3)))
    assert rule.apply(grey).tolist() == rule.apply(colours).tolist() == [[0, 1, 1]]
    mask = rule.apply(colours[:, ::2])
    assert mask.dtype == np.uint8
    assert mask.flags.c_contiguous
