"""A form for any options: what goes in comes out, what pydantic refuses is said, everything is within reach of keys."""

import math
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLabel, QLineEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from segstudio.core.errors import UserError
from segstudio.core.options import Options, checked, only_with, option
from segstudio.core.wording import number_text
from segstudio.jobs.presets import options_of
from segstudio.models import MODELS
from segstudio.ui.combo import Combo
from segstudio.ui.form import Form
from segstudio.ui.number_box import NumberBox, stepped
from segstudio.ui.range_slider import RangeSlider


class Kind(StrEnum):
    SOFT = "soft"
    HARD = "hard"


class Everything(Options):
    epochs: int = option(25, "Epochs", ge=1, le=1000, help="How often.")
    rate: float = option(1e-5, "Learning rate", gt=0, le=1, help="How fast.")
    size: int = option(224, "Size", unit="px", ge=32, le=2048, help="How large.")
    big: int = option(2**40, "Seed", help="Any number.")
    share: float = option(-0.25, "Share", help="May be negative.")
    is_flipped: bool = option(True, "Flip", help="Mirror.")
    device: Literal["auto", "cpu"] = option("auto", "Device", help="Where.")
    alpha: Literal[0.35, 1.0] = option(0.35, "Width", help="How wide.")
    kind: Kind = option(Kind.HARD, "Kind", help="Which.")
    name: str = option("lens", "Name", help="What.")
    weights: str = option("", "Weights", help="A file.", is_path=True)
    folder: Path = option(Path("a") / "b", "Folder", help="A folder.")
    limit: int | None = option(None, "Limit", help="At most.", is_advanced=True)
    mark: float | None = option(0.5, "Mark", help="Where.", is_advanced=True)
    remark: str | None = option(None, "Remark", help="Why.", is_advanced=True)
    is_mixed: bool | None = option(None, "Mixed", help="Or not.", is_advanced=True)
    mode: Literal["a", "b"] | None = option(None, "Mode", help="Or none.", is_advanced=True)
    run: int | str = option("best", "Run", help="Number or word.", is_advanced=True)
    samples: list[str] = option(["a", "b c"], "Samples", help="Names.", is_advanced=True)
    colours: tuple[tuple[int, ...], ...] = option(((250, 50, 83), (7,)), "Colours", help="Several.", is_advanced=True)
    extra: dict[str, Any] = option({"x": [1, None]}, "Extra", help="Anything.", is_advanced=True)


class Required(Options):
    to: str = option(..., "To", help="Where to write.", is_path=True)
    low: int = option(1, "Low", help="Less than high.")
    high: int = option(2, "High", help="More than low.")

    @model_validator(mode="after")
    def _in_order(self) -> "Required":
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


def options_classes() -> list[type[Options]]:
    from segstudio.jobs import JOBS
    from segstudio.models import MODELS
    from segstudio.tools import TOOLS

    return [entry.Options for registry in (TOOLS, MODELS, JOBS) for entry in registry]


def test_form_of_every_registered_tool_model_and_job_gives_the_defaults(qtbot: QtBot) -> None:
    for model in options_classes():
        form = Form(model)
        qtbot.addWidget(form)
        required = [name for name, field in model.model_fields.items() if field.is_required()]
        assert set(form.errors) <= {*required, ""}, model
        if not required:
            assert model.model_validate(form.values()) == model(), model
            assert form.is_valid
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} says nothing of itself"
            assert form.editor(name).toolTip().endswith(field.description)


def test_defaults_come_out_as_they_are(qtbot: QtBot) -> None:
    form = Form(Everything)
    qtbot.addWidget(form)
    assert form.options() == Everything()
    assert form.errors == {}


texts = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def shared_form(qapp: QApplication) -> Iterator[Form]:
    form = Form(Everything)
    yield form
    form.deleteLater()


@settings(deadline=None, max_examples=100)
@given(
    st.builds(
        Everything,
        epochs=st.integers(1, 1000),
        rate=st.floats(0, 1, exclude_min=True),
        big=st.integers(),
        share=numbers,
        is_flipped=st.booleans(),
        device=st.sampled_from(["auto", "cpu"]),
        alpha=st.sampled_from([0.35, 1.0]),
        kind=st.sampled_from(list(Kind)),
        name=texts,
        limit=st.none() | st.integers(),
        mark=st.none() | numbers,
        remark=st.none() | texts.filter(bool),
        is_mixed=st.none() | st.booleans(),
        mode=st.sampled_from([None, "a", "b"]),
        run=st.integers() | texts,
        samples=st.lists(texts),
        colours=st.lists(st.lists(st.integers()).map(tuple)).map(tuple),
        extra=st.dictionaries(texts, st.none() | st.integers() | texts),
    )
)
def test_whatever_is_shown_comes_back(shared_form: Form, options: Everything) -> None:
    shared_form.set_values(options.model_dump())
    assert shared_form.options() == options
    shared_form.reset()
    assert shared_form.options() == Everything()


def shown(qtbot: QtBot, form: Form) -> Form:
    """The form on the screen, with the keyboard's attention."""
    qtbot.addWidget(form)
    form.show()
    form.activateWindow()
    qtbot.waitUntil(form.isActiveWindow)
    return form


def type_into(qtbot: QtBot, form: Form, name: str, text: str) -> None:
    line = form.editor(name)
    if not isinstance(line, QLineEdit):
        line = line.findChild(QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def error_text(form: Form, name: str) -> str:
    label = form._error_labels[name]
    return label.text() if not label.isHidden() else ""


def test_rates_are_typed_as_people_write_them(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Everything))
    line = form.editor("rate").findChild(QLineEdit)
    assert line.text() == "1e-5"
    for text, value in [("3e-4", 3e-4), ("0,002", 0.002), ("0.5", 0.5), ("1E-3", 1e-3)]:
        type_into(qtbot, form, "rate", text)
        assert form.values()["rate"] == value
        assert form.is_valid


def test_letters_are_not_numbers(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Everything))
    type_into(qtbot, form, "epochs", "4x2")
    assert form.values()["epochs"] == 42


def test_what_pydantic_refuses_is_said_beside_the_field_and_taken_back(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Everything))
    with qtbot.waitSignal(form.changed):
        type_into(qtbot, form, "epochs", "0")
    assert not form.is_valid
    assert "greater than or equal to 1" in error_text(form, "epochs")
    with pytest.raises(UserError, match="epochs"):
        form.options()
    type_into(qtbot, form, "epochs", "7")
    assert form.is_valid
    assert error_text(form, "epochs") == ""
    type_into(qtbot, form, "rate", "-")
    assert "number" in error_text(form, "rate")


def test_error_of_several_fields_is_said_below(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Required, {"to": "x.png"}))
    form.set_values({"low": 5})
    assert error_text(form, "") == "Low must be below high"


def test_required_field_is_missing_until_it_is_given(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Required))
    assert error_text(form, "to") == "Field required"
    assert "to" not in form.values()
    type_into(qtbot, form, "to", "masks.zip")
    assert form.is_valid


def test_advanced_fields_are_folded_away_until_asked_for_or_wrong(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Everything))
    assert form.editor("epochs").isVisible()
    assert not form.editor("limit").isVisible()
    button = form.findChild(QToolButton)
    form.set_values({"limit": 3, "remark": "because"})
    assert button.text() == "Advanced · 2 changed"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert form.editor("limit").isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    form.set_values({"colours": "not colours"})
    assert form.editor("colours").isVisible()


def test_form_without_advanced_fields_has_no_fold(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Required))
    assert not form.findChild(QToolButton).isVisible()


def test_labels_are_buddies_and_help_is_the_tooltip(qtbot: QtBot) -> None:
    form = Form(Everything)
    qtbot.addWidget(form)
    label = next(label for label in form.findChildren(QLabel) if label.text() == "Learning rate")
    assert label.buddy() is form.editor("rate")
    assert form.editor("rate").toolTip() == "How fast."
    assert form.editor("rate").accessibleName() == "Learning rate"


def test_every_field_is_reached_by_tab(qtbot: QtBot) -> None:
    form = shown(qtbot, Form(Everything))
    form.findChild(QToolButton).setChecked(True)
    form.editor("epochs").setFocus()
    reached = set()
    for _ in range(3 * len(Everything.model_fields)):
        focused = QApplication.focusWidget()
        while focused is not None and focused is not form:
            reached.add(focused.objectName())
            focused = focused.parentWidget()
        form.focusNextChild()
    # An optional number is reached through its check box.
    assert set(Everything.model_fields) <= reached


def test_hidden_fields_are_left_to_others(qtbot: QtBot) -> None:
    form = Form(Everything, hidden={"epochs"})
    qtbot.addWidget(form)
    assert "epochs" not in form.values()
    with pytest.raises(KeyError):
        form.set_values({"epochs": 3})


def test_suggestions_are_offered_and_other_text_is_taken(qtbot: QtBot) -> None:
    form = Form(Everything, suggestions={"name": ["lens", "lungs"]})
    qtbot.addWidget(form)
    box = form.editor("name")
    assert isinstance(box, QComboBox)
    assert [box.itemText(index) for index in range(box.count())] == ["lens", "lungs"]
    box.setCurrentText("hearts")
    assert form.values()["name"] == "hearts"


def test_browse_writes_the_file_into_the_field(qtbot: QtBot, tmp_path: Path) -> None:
    form = shown(qtbot, Form(Everything))
    form.editor("weights").findChild(QPushButton).click()
    dialog = form.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "best.keras"))
    dialog.close()
    assert form.values()["weights"] == str(tmp_path / "best.keras")


def wheel(box: QComboBox | NumberBox, qapp: QApplication) -> None:
    middle = QPointF(box.rect().center())
    turn = QWheelEvent(
        middle,
        box.mapToGlobal(middle),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    qapp.sendEvent(box, turn)


def test_scrolling_over_a_field_without_focus_changes_nothing(qtbot: QtBot, qapp: QApplication) -> None:
    form = shown(qtbot, Form(Everything))
    form.editor("name").setFocus()
    for name in ("epochs", "device"):
        wheel(form.editor(name), qapp)
    assert form.options() == Everything()
    form.editor("epochs").setFocus()
    wheel(form.editor("epochs"), qapp)
    assert form.values()["epochs"] == 26


def test_arrows_step_and_stay_in_range(qtbot: QtBot) -> None:
    box = NumberBox(is_integer=True, minimum=1, maximum=12)
    qtbot.addWidget(box)
    box.set_value(10)
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.value() == 11
    qtbot.keyClick(box, Qt.Key.Key_PageUp)
    assert box.value() == 12
    qtbot.keyClick(box, Qt.Key.Key_PageDown)
    qtbot.keyClick(box, Qt.Key.Key_PageDown)
    assert box.value() == 1


def test_float_steps_are_round() -> None:
    assert [stepped(value, is_up=True) for value in (1e-5, 3e-4, 0.05, 0.1, 0.5, 1.0, 12.0)] == [
        2e-5, 5e-4, 0.1, 0.15, 0.55, 1.1, 13.0,
    ]  # fmt: skip
    assert [stepped(value, is_up=False) for value in (2e-5, 1e-3, 0.1, 1.0)] == [1e-5, 5e-4, 0.05, 0.95]


@given(numbers)
def test_number_text_is_exact(value: float) -> None:
    assert float(number_text(value)) == value


@given(st.floats(1e-9, 1e9))
def test_a_step_always_moves(value: float) -> None:
    assert stepped(value, is_up=True) > value
    assert stepped(value, is_up=False) < value
    assert math.isfinite(stepped(value, is_up=True))


class Ranged(Options):
    limit: tuple[int, int] = option((-10, 10), "Limit", unit="°", help="How far.")
    share: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = option(
        (0.25, 0.5), "Share", help="How much."
    )
    size: int = option(3, "Size", ge=1, le=31, help="How large.")
    seed: int = option(2**30, "Seed", ge=0, le=2**31, help="Any.")


def boxes(form: Form, name: str) -> list[NumberBox]:
    return form.editor(name).findChildren(NumberBox)


def test_a_range_has_two_boxes_and_is_told_once(qtbot: QtBot) -> None:
    form = Form(Ranged)
    qtbot.addWidget(form)
    assert form.values()["limit"] == [-10, 10]
    assert [box.accessibleName() for box in boxes(form, "limit")] == ["Limit, lowest", "Limit, highest"]
    told: list[object] = []
    form.changed.connect(lambda: told.append(form.values()["limit"]))
    form.set_values({"limit": (-3, 4)})
    assert told == [[-3, 4]]
    QTest.keyClicks(boxes(form, "limit")[1], "0")
    assert form.values()["limit"] == [-3, 40]
    assert form.options() == Ranged(limit=(-3, 40))
    boxes(form, "share")[0].set_value(-1.0)
    assert "share" in form.errors


def test_numbers_have_sliders_where_they_are_wanted(qtbot: QtBot) -> None:
    plain = Form(Ranged)
    qtbot.addWidget(plain)
    assert plain.slider("share") is None
    form = Form(Ranged, has_sliders=True)
    qtbot.addWidget(form)
    form.resize(340, 300)
    form.show()
    limit = form.slider("limit")
    QTest.mouseClick(limit, Qt.MouseButton.LeftButton, pos=QPoint(limit.width(), 5))
    assert form.values()["limit"] == [-10, 40], "without bounds it goes a bit further than what it begins with"
    assert form.slider("seed") is None, "it would jump"
    slider = form.slider("share")
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.knob(1).toPoint())
    QTest.mouseMove(slider, QPoint(slider.width(), 5))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width(), 5))
    assert form.values()["share"] == [0.25, 1.0]
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(0, 5))
    assert form.values()["share"] == [0.0, 1.0]
    one = form.slider("size")
    QTest.mouseClick(one, Qt.MouseButton.LeftButton, pos=QPoint(one.width() // 2, 5))
    assert form.values()["size"] == 6, "up to four times the default, not to the bound"
    boxes_value = form.values()["size"]
    assert type(boxes_value) is int
    form.set_values({"size": 1})
    assert one.values == (1, 1)


def test_the_ends_of_a_range_do_not_pass_each_other(qtbot: QtBot) -> None:
    slider = RangeSlider(0, 100, is_integer=True)
    qtbot.addWidget(slider)
    slider.resize(214, 16)
    slider.set_values(40, 60)
    told: list[tuple[float, float]] = []
    slider.moved.connect(lambda low, high: told.append((low, high)))
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.knob(0).toPoint())
    QTest.mouseMove(slider, QPoint(210, 8))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(210, 8))
    assert told[-1] == (60, 60)
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(47, 8))
    assert told[-1] == (20, 60)


class Choosing(Options):
    epochs: int = option(0, "Epochs", ge=0, le=100, zero="as the preset says", help="How often.")
    seed: int = option(0, "Seed", ge=0, help="Any number.")


def test_a_zero_that_is_no_number_is_said_in_words(qtbot: QtBot) -> None:
    form = Form(Choosing)
    qtbot.addWidget(form)
    box, plain = form.editor("epochs"), form.editor("seed")
    assert isinstance(box, NumberBox)
    assert isinstance(plain, NumberBox)
    assert (box.lineEdit().text(), box.lineEdit().placeholderText()) == ("", "as the preset says")
    assert plain.lineEdit().text() == "0"
    assert form.options() == Choosing()
    box.stepBy(1)
    assert form.values()["epochs"] == 1
    box.stepBy(-1)
    assert (box.lineEdit().text(), form.values()["epochs"]) == ("", 0)
    QTest.keyClicks(box, "0")
    assert form.values()["epochs"] == 0, "it can also be typed"
    plain.lineEdit().clear()
    assert "seed" in form.errors, "elsewhere nothing is not 0"


def test_what_is_too_long_for_a_combo_box_ends_in_dots(qtbot: QtBot) -> None:
    box = Combo()
    qtbot.addWidget(box)
    box.addItems(["short", "0001 · conv-unet-fast · validation IoU 0.684 · best"])
    box.setFixedWidth(200)
    box.show()
    assert box.shown_text() == "short"
    box.setCurrentIndex(1)
    assert box.shown_text().startswith("0001 · conv")
    assert box.shown_text().endswith("…")
    assert not box.grab().isNull()


def test_what_would_make_no_difference_cannot_be_changed_and_says_why(qtbot: QtBot) -> None:
    model = options_of("conv-unet")
    form = Form(model)
    qtbot.addWidget(form)
    dependent = [name for name, field in model.model_fields.items() if only_with(field)[0]]
    assert set(dependent) == {"plateau", "averaged_epochs", "tuned_rate", "crops"}
    assert not any(form.editor(name).isEnabled() for name in dependent)
    assert form.editor("plateau").toolTip().startswith("Makes no difference without Schedule plateau. With")
    assert form.editor("crops").toolTip().startswith("Makes no difference without Crop. With crop")
    form.set_values({"schedule": "plateau", "keep": "average", "frozen_epochs": 3, "crop": 256})
    assert all(form.editor(name).isEnabled() for name in dependent)
    assert form.editor("plateau").toolTip() == model.model_fields["plateau"].description
    form.set_locked(["plateau"], "as in the run")
    form.set_values({"crop": 0})
    assert not form.editor("plateau").isEnabled(), "it stays locked"
    assert not form.editor("crops").isEnabled()
    form.set_values({"crops": 0})
    assert form.editor("crops").isEnabled(), "what is wrong can be mended"


@pytest.mark.parametrize("name", MODELS.names())
def test_what_an_option_depends_on_is_there(name: str) -> None:
    fields = options_of(name).model_fields
    for field in fields.values():
        other, value = only_with(field)
        assert not other or other in fields
        if value:
            checked(options_of(name), {other: value})
