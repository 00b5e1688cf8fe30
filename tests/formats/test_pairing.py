"""Pairing: every rule, and nothing dropped silently."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.formats.naming import Role, bare_image, bare_mask, folder_name, split_suffix
from segstudio.formats.pairing import Scan, scan


def found(folder: Path, *files: str, images: str | None = None, masks: str | None = None) -> Scan:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return scan(folder, images, masks)


def paired(result: Scan) -> dict[str, str | None]:
    return {pair.image: pair.mask for pair in result.pairs}


CASES = {
    "parallel folders": ["images/a.png", "masks/a.png"],
    "other words": ["img/a.png", "msk/a.png"],
    "words inside names": ["open_img/a.png", "open_msk/a.png"],
    "image and label": ["Image/a.png", "Label/a.png"],
    "camel case": ["JPEGImages/a.jpg", "SegmentationClass/a.png"],
    "nnU-Net": ["imagesTr/a_0000.png", "labelsTr/a.png"],
    "x and y": ["x/a.png", "y/a.png"],
    "x_train and y_train": ["x_train/a.png", "y_train/a.png"],
    "CamVid": ["train/a.png", "trainannot/a.png"],
    "Carvana": ["train/a_01.jpg", "train_masks/a_01_mask.gif"],
    "ISIC": ["ISIC2018_Task1-2_Training_Input/I_0.jpg", "ISIC2018_Task1_Training_GroundTruth/I_0_segmentation.png"],
    "masks below the images": ["a.png", "masks/a.png"],
    "masks in the images' folder": ["images/a.png", "images/masks/a.png"],
    "suffix _mask": ["a.png", "a_mask.png"],
    "suffix -mask": ["a.png", "a-mask.png"],
    "suffix _segmentation": ["a.jpg", "a_segmentation.png"],
    "suffix _label": ["a.jpg", "a_label.png"],
    "prefix mask_": ["a.png", "mask_a.png"],
    "both prefixed": ["img_1.png", "mask_1.png"],
    "both suffixed": ["1_sat.jpg", "1_mask.png"],
    "one folder, two extensions": ["a.jpg", "a.png"],
    "named after the whole file": ["images/a.jpg", "masks/a.jpg.png"],
    "nested": ["images/day 1/a.png", "masks/day 1/a.png"],
    "split outside": ["train/images/a.png", "train/masks/a.png"],
    "split inside": ["images/train/a.png", "masks/train/a.png"],
    "folder of a telling name around": ["lung segmentation/CXR/a.png", "lung segmentation/masks/a_mask.png"],
    "a folder of affixed names": ["scans/a.png", "drawn/a_mask.png"],
    "dots in names": ["images/F2_1.ts_f_500.jpg", "masks/F2_1.ts_f_500.png"],
    "case of names": ["images/IMG_A.JPG", "masks/img_a.png"],
    "brackets": ["benign (1).png", "benign (1)_mask.png"],
    "non-ASCII": ["фото/вид.png", "фото/masks/вид.png"],
}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_every_rule(tmp_path: Path, files: list[str]) -> None:
    result = found(tmp_path, *files)
    assert paired(result) == {files[0]: files[1]}
    assert result.pairs[0].how
    assert not result.ambiguous
    assert not result.unmatched_masks
    assert not result.notes


def test_composed_and_decomposed_names_are_the_same(tmp_path: Path) -> None:
    image, mask = (unicodedata.normalize(form, "images/é.png") for form in ("NFD", "NFC"))
    result = found(tmp_path, image, mask.replace("images", "masks"))
    assert [pair.mask is not None for pair in result.pairs] == [True]


def test_very_long_names(tmp_path: Path) -> None:
    name = "я" * 120
    result = found(tmp_path, f"images/{name}.png", f"masks/{name}.png")
    assert paired(result) == {f"images/{name}.png": f"masks/{name}.png"}


def test_names_in_several_folders_do_not_mix(tmp_path: Path) -> None:
    files = [f"{part}/{kind}/1.png" for part in ("train", "test") for kind in ("images", "masks")]
    assert paired(found(tmp_path, *files)) == {
        "test/images/1.png": "test/masks/1.png",
        "train/images/1.png": "train/masks/1.png",
    }


def test_a_lonely_image_is_not_given_the_mask_of_another_folder(tmp_path: Path) -> None:
    result = found(
        tmp_path,
        "a/images/1.png",
        "a/images/2.png",
        "a/masks/2.png",
        "b/images/3.png",
        "b/masks/3.png",
        "b/masks/1.png",
    )
    assert paired(result)["a/images/1.png"] is None
    assert result.unmatched_masks == ["b/masks/1.png"]


def test_two_masks_for_one_image_are_not_guessed(tmp_path: Path) -> None:
    result = found(tmp_path, "a.png", "a_mask.png", "a_mask_1.png", "b.png", "b_mask.png")
    assert paired(result) == {"a.png": None, "b.png": "b_mask.png"}
    assert [one.masks for one in result.ambiguous] == [("a_mask.png", "a_mask_1.png")]
    assert "2 masks" in result.pairs[0].problem


def test_the_same_stem_twice_is_not_guessed(tmp_path: Path) -> None:
    result = found(tmp_path, "images/a.jpg", "images/a.png", "masks/a.png")
    assert set(paired(result).values()) == {None}
    assert [one.images for one in result.ambiguous] == [("images/a.jpg", "images/a.png")]


def test_case_tells_apart_what_the_disk_tells_apart(tmp_path: Path) -> None:
    (tmp_path / "A").touch()
    if (tmp_path / "a").exists():
        pytest.skip("this disk does not tell A from a")
    (tmp_path / "A").unlink()
    result = found(tmp_path, "images/A.png", "images/a.png", "masks/A.png", "masks/a.png")
    assert paired(result) == {"images/A.png": "masks/A.png", "images/a.png": "masks/a.png"}


def test_photos_of_masks_are_images(tmp_path: Path) -> None:
    result = found(tmp_path, "white_mask.jpg", "black_mask.jpg", "face.jpg")
    assert paired(result) == {"white_mask.jpg": None, "black_mask.jpg": None, "face.jpg": None}


def test_images_without_masks_and_masks_without_images(tmp_path: Path) -> None:
    result = found(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/c.png")
    assert paired(result) == {"images/a.png": "masks/a.png", "images/b.png": None}
    assert result.unmatched_masks == ["masks/c.png"]
    assert (result.image_folders, result.mask_folders) == (["images"], ["masks"])
    assert result.with_mask == 1


def test_clutter_is_passed_over_and_the_rest_is_noted(tmp_path: Path) -> None:
    clutter = [".hidden.png", "__MACOSX/images/._a.png", "images/Thumbs.db", "images/.DS_Store"]
    result = found(tmp_path, "images/a.png", "masks/a.png", "readme.txt", "more.txt", "previews/a.png", *clutter)
    assert paired(result) == {"images/a.png": "masks/a.png"}
    assert [path for path, _ in result.notes] == ["more.txt", "previews"]
    assert "1 more" in result.notes[0][1]


def test_a_project_inside_is_left_out(tmp_path: Path) -> None:
    result = found(tmp_path, "a.png", "review/project.sqlite", "review/masks/a.png")
    assert paired(result) == {"a.png": None}
    assert result.notes[0][0] == "review"


def test_folders_can_be_said(tmp_path: Path) -> None:
    files = ["A/1.png", "B/1.png", "C/1.png"]
    assert paired(found(tmp_path, *files, images="A", masks="C")) == {"A/1.png": "C/1.png"}
    assert paired(found(tmp_path, *files, images="A", masks=str(tmp_path / "B"))) == {"A/1.png": "B/1.png"}


def test_two_folders_of_the_same_names_get_a_hint(tmp_path: Path) -> None:
    result = found(tmp_path, "A/1.png", "B/1.png")
    assert "--masks B" in result.notes[0][1]


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        scan(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no pictures"):
        scan(tmp_path)
    (tmp_path / "set").mkdir()
    with pytest.raises(UserError, match="no such folder"):
        found(tmp_path / "set", "a.png", masks="masks")
    with pytest.raises(UserError, match="inside"):
        found(tmp_path / "set", "a.png", masks=str(tmp_path))


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    found(tmp_path, "images/a.png", "masks/a.png")
    try:
        (tmp_path / "images" / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert paired(scan(tmp_path)) == {"images/a.png": "masks/a.png"}


def test_real_data(test_data: Path) -> None:
    result = scan(test_data / "lungs")
    assert len(result.pairs) == result.with_mask == 100
    assert {pair.how for pair in result.pairs} == {"same name in masks/"}


@pytest.mark.parametrize(
    ("name", "role", "rest"),
    [
        ("images", Role.IMAGE, ""),
        ("MASKS", Role.MASK, ""),
        ("open_img", Role.IMAGE, "open"),
        ("open_msk", Role.MASK, "open"),
        ("GroundTruth", Role.MASK, "ground"),
        ("1st_manual", Role.MASK, "1_st"),
        ("image_masks", Role.MASK, ""),
        ("trainannot", Role.MASK, "train"),
        ("patients", None, "patients"),
    ],
)
def test_folder_names(name: str, role: Role | None, rest: str) -> None:
    assert folder_name(name) == (role, rest)


def test_affixes() -> None:
    assert bare_mask("a_mask") == ("a", "_mask", False)
    assert bare_mask("a_Mask_2") == ("a", "_Mask_2", False)
    assert bare_mask("mask-a") == ("a", "mask-", True)
    assert bare_mask("unmask") is None
    assert bare_mask("mask") is None
    assert bare_image("a_0000") == ("a", "_0000", False)
    assert split_suffix("a.b.PNG") == ("a.b", ".png")
    assert split_suffix(".png") == (".png", "")


names = st.text(
    st.characters(codec="utf-8", exclude_characters='/\0\\:*?"<>|', exclude_categories=["Cc", "Cs"]), min_size=1
)


@given(st.lists(names, min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_nothing_is_lost(tmp_path_factory: pytest.TempPathFactory, stems: list[str]) -> None:
    folder = tmp_path_factory.mktemp("set")
    for number, stem in enumerate(stems):
        for kind in ("images", "masks")[: 1 + number % 2]:
            (folder / kind).mkdir(exist_ok=True)
            name = f"{stem[:40]}.png"
            if not name.startswith(".") and len(name.encode()) < 250:
                (folder / kind / name).touch()
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    if not there:
        return
    result = scan(folder)
    told = {pair.image for pair in result.pairs} | {pair.mask for pair in result.pairs if pair.mask}
    told |= set(result.unmatched_masks) | {path for one in result.ambiguous for path in one.masks}
    assert told == there
