import pytest

from segstudio.core.fuzzy import match


def best(typed: str, *texts: str) -> str:
    fits = [(found.score, text) for text in texts if (found := match(typed, text)) is not None]
    return max(fits)[1]


@pytest.mark.parametrize(
    ("typed", "texts", "wanted"),
    [
        ("acc", ("Back to todo", "Accept", "Accept all predictions"), "Accept"),
        ("fh", ("Fish", "Fill holes", "Fit"), "Fill holes"),
        ("pred all", ("Predict this sample", "Predict all samples"), "Predict all samples"),
        ("all pred", ("Predict this sample", "Predict all samples"), "Predict all samples"),
        ("fit", ("Predict the filtered samples", "Fit"), "Fit"),
        ("err", ("Export report", "Next error"), "Next error"),
        ("nxt", ("Next", "New from text"), "Next"),
        ("0017", ("images/CHNCXR_0017_0.png", "images/CHNCXR_1007_0.png"), "images/CHNCXR_0017_0.png"),
    ],
)
def test_what_is_meant_comes_first(typed: str, texts: tuple[str, ...], wanted: str):
    assert best(typed, *texts) == wanted


def test_letters_must_be_there_in_their_order():
    assert match("xyz", "Accept") is None
    assert match("tca", "Accept") is None
    assert match("", "anything").score < 0 or match("", "anything").places == ()


def test_the_places_are_those_of_the_letters():
    for typed, text in (("fh", "Fill holes"), ("pri", "Predict this image"), ("лег", "правое лёгкое легко")):
        found = match(typed, text)
        assert "".join(text[place] for place in found.places).lower() == typed


def test_a_beginning_is_taken_only_as_far_as_the_rest_is_found_behind_it():
    # The second word begins with s too, but no t comes after it.
    found = match("sat", "Smooth at s")
    assert "".join("Smooth at s"[place] for place in found.places).lower() == "sat"
