"""No two samples share a file, on any file system."""

import unicodedata
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from segstudio.project.stems import MAX_BYTES, assign_stems, folded


def test_a_stem_is_the_path_without_the_extension() -> None:
    assert assign_stems(["a.png", "images/b c.JPG", "ü/мозг.tiff", "a.b.png", ".hidden"]) == [
        "a", "images/b c", "ü/мозг", "a.b", ".hidden",
    ]  # fmt: skip


def test_images_that_would_share_one_keep_their_extensions() -> None:
    assert assign_stems(["a.png", "a.jpg", "b.png"]) == ["a.png", "a.jpg", "b"]


def test_names_that_differ_in_case_or_composition_are_one_file_on_some_disks() -> None:
    composed, apart = unicodedata.normalize("NFC", "ü"), unicodedata.normalize("NFD", "ü")
    stems = assign_stems(["A.png", "a.png", f"{composed}.png", f"{apart}.png", "Straße.png", "STRASSE.png"])
    assert len({folded(stem) for stem in stems}) == 6


def test_a_longer_name_does_not_take_another_one_s() -> None:
    stems = assign_stems(["a.png", "a.jpg", "a.png.png"])
    assert stems[2] == "a.png"  # it was first in the right
    assert len({folded(stem) for stem in stems}) == 3


def test_a_mask_file_and_a_folder_do_not_collide() -> None:
    stems = assign_stems(["scan.png/1.jpg", "scan.jpg"])
    files = {folded(f"{stem}.png") for stem in stems}
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
    assert not files & folders


def test_a_name_of_a_revision_file_is_no_folder_of_the_history() -> None:
    assert assign_stems(["a.png", "a/0001.png.png"])[1] != "a/0001.png"


def test_very_long_names_stay_legal_and_apart() -> None:
    long = "я" * 125  # 250 bytes
    stems = assign_stems([f"{long}.gz", f"{long}a.png", f"{long}ab.png", "x" * 300 + "1.png", "x" * 300 + "2.png"])
    assert stems[0] == long
    assert all(len(part.encode()) <= MAX_BYTES for stem in stems for part in stem.split("/"))
    assert len(set(stems)) == 5


names = st.text(st.sampled_from("aAäÄ.0123/pngPNGßs ") | st.characters(codec="utf-8"), min_size=1, max_size=12)
images = st.lists(
    st.builds(lambda name, end: f"{name.strip('/') or 'x'}.{end}", names, st.sampled_from(["png", "jpg", "PNG"])),
    unique=True,
    max_size=12,
)


@given(images)
def test_no_two_samples_ever_share_a_file(paths: list[str]) -> None:
    paths = [str(PurePosixPath(path)) for path in paths]
    stems = assign_stems(dict.fromkeys(paths))
    files = [folded(f"{stem}.png") for stem in stems]
    assert len(set(files)) == len(files)
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
    assert not folders & set(files)
    histories = [folded(stem) for stem in stems]
    revisions = {f"{stem}/0001.png" for stem in histories}
    assert not revisions & {
        str(parent) for stem in histories for parent in [PurePosixPath(stem), *PurePosixPath(stem).parents]
    }
