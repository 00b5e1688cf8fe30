"""Keys that a person chose: kept, never given twice, taken back, carried to other machines."""

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest

from segstudio.core.errors import UserError
from segstudio.core.key_bindings import keys_path, load_keys
from segstudio.core.sample import ReviewState
from segstudio.ui.actions import all_commands
from segstudio.ui.bindings import Bindings, normal
from segstudio.ui.dialogs.key_editor import KeyEditorDialog
from segstudio.ui.dialogs.keys import KeysDialog, page
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.windows import shown_window

COMMANDS = {command.name: command for command in all_commands()}
NO, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
)  # fmt: skip


@pytest.fixture
def bindings(qapp) -> Bindings:
    return Bindings(COMMANDS)


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path):
    with shown_window(qtbot, make_project(tmp_path), size=(1200, 800)) as one:
        yield one


def press(window: Window, key: Qt.Key, modifiers=NO) -> None:
    QTest.keyClick(window.panes.canvas("truth"), key, modifiers)


def all_keys(bindings: Bindings) -> list[str]:
    return [key for name in COMMANDS for key in bindings.keys(name)]


def test_every_key_of_the_program_is_one_and_none_is_reserved(bindings: Bindings):
    for name, command in COMMANDS.items():
        assert bindings.keys(name) == tuple(normal(key) for key in command.keys)
        for key in command.keys:
            assert not bindings.refusal(name, key), (name, key)
    assert bindings.changed_names == []


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ('"mask-take-prediction" = ["F6"]', ("Shift+Y", "F6")),
        ('"mask-take-prediction" = []', ("Shift+Y",)),
        ('"mask-take-prediction" = ["F6"]\n"error-take-all" = ["F7"]', ("F7", "F6")),
        ('"error-take-all" = ["F7"]', ("F7", "Shift+P")),
        ('"error-take-all" = ["F7"]\nflag = ["Shift+P"]', ("F7",)),
        ("", ("Shift+Y", "Shift+P")),
    ],
)
def test_keys_of_a_command_that_has_gone_are_those_of_the_one_in_its_place(qapp, tmp_path: Path, written, keys):
    keys_path().parent.mkdir(parents=True, exist_ok=True)
    keys_path().write_text(f"[keys]\n{written}\n", encoding="utf-8")
    bindings = Bindings(COMMANDS)
    assert bindings.keys("error-take-all") == keys
    bindings.reset_all()
    (tmp_path / "mine.toml").write_text(f"[keys]\n{written}\n", encoding="utf-8")
    assert bindings.import_from(tmp_path / "mine.toml") == []
    assert Bindings(COMMANDS).keys("error-take-all") == keys


def test_who_takes_one_of_its_keys_away_now_keeps_it_away(bindings: Bindings):
    bindings.give("error-take-all", ["F7"])
    assert Bindings(COMMANDS).keys("error-take-all") == ("F7",)


def test_who_gives_a_key_takes_it_and_it_is_kept(bindings: Bindings):
    bindings.give("flag", ["A", "Ctrl+Alt+7"])
    assert bindings.keys("flag") == ("A", "Ctrl+Alt+7")
    assert bindings.keys("accept") == ()
    again = Bindings(COMMANDS)
    assert again.keys("flag") == ("A", "Ctrl+Alt+7")
    assert again.keys("accept") == ()
    assert set(again.changed_names) == {"flag", "accept"}
    again.reset("accept")
    assert again.keys("flag") == ("Ctrl+Alt+7",)
    again.reset_all()
    assert Bindings(COMMANDS).changed_names == []
    assert load_keys(keys_path()).keys == {}


@pytest.mark.parametrize(
    ("name", "key", "why"),
    [("accept", "Space", "moves the picture"), ("accept", "Esc", "gives up"), ("accept", "Nonsense+", "no key"),
     ("blink", "Ctrl+V", "stands alone")],
)  # fmt: skip
def test_what_cannot_be_a_key_is_refused(bindings: Bindings, name: str, key: str, why: str):
    with pytest.raises(UserError, match=why):
        bindings.give(name, [key])
    assert bindings.changed_names == []


def test_export_and_import_carry_them_along(bindings: Bindings, tmp_path: Path):
    bindings.give("tool-brush", ["N"])
    bindings.export_to(tmp_path / "mine.toml")
    bindings.reset_all()
    assert bindings.import_from(tmp_path / "mine.toml") == []
    assert bindings.keys("tool-brush") == ("N",)
    assert bindings.keys("error-next") == ()
    assert len(all_keys(bindings)) == len(set(all_keys(bindings)))


@pytest.mark.parametrize(
    ("text", "why"),
    [("[keys]\naccept = ['A']\nflag = ['a']", "given to accept and to flag"), ("[keys]\naccept = 'A'", "no list"),
     ("[colours]\n", "no file of keys"), ("[keys", "damaged"), ("[keys]\naccept = ['Tab']", "next control")],
)  # fmt: skip
def test_a_file_with_a_mistake_changes_nothing(bindings: Bindings, tmp_path: Path, text: str, why: str):
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    bindings.give("reject", ["Ctrl+Alt+X"])
    with pytest.raises(UserError, match=why):
        bindings.import_from(path)
    assert bindings.changed_names == ["reject"]


def test_what_another_version_knows_is_left_out_and_told(bindings: Bindings, tmp_path: Path):
    (tmp_path / "keys.toml").write_text("[keys]\nbrew-coffee = ['C']\naccept = ['Ctrl+Alt+A']\n", encoding="utf-8")
    assert bindings.import_from(tmp_path / "keys.toml") == ["brew-coffee"]
    assert bindings.keys("accept") == ("Ctrl+Alt+A",)


def test_a_damaged_file_is_told_and_not_overwritten(window: Window, tmp_path: Path):
    keys_path().parent.mkdir(parents=True, exist_ok=True)
    keys_path().write_text("accept = [", encoding="utf-8")
    bindings = Bindings(COMMANDS)
    assert "damaged" in bindings.problem
    bindings.give("accept", ["Ctrl+Alt+A"])
    assert keys_path().with_name("keys-damaged.toml").read_text(encoding="utf-8") == "accept = ["
    assert Bindings(COMMANDS).keys("accept") == ("Ctrl+Alt+A",)


def test_a_changed_key_works_at_once_also_under_a_russian_layout(qtbot, window: Window):
    bindings = window.actions_table.bindings
    bindings.give("accept", ["N"])
    press(window, Qt.Key.Key_A)
    assert window.session.sample.state is ReviewState.TODO
    event = QKeyEvent(QEvent.Type.KeyPress, ord("Т"), NO, "т")  # the key N of a Russian keyboard
    QCoreApplication.sendEvent(window.windowHandle(), event)
    qtbot.waitUntil(lambda: window.session.sample.state is ReviewState.ACCEPTED)
    assert "(N)" in window.actions_by_name["accept"].toolTip()
    bindings.give("blink", ["J"])
    canvas = window.panes.canvas("truth")
    QTest.keyPress(window.windowHandle(), Qt.Key.Key_J)
    assert not canvas._is_overlay_shown
    QTest.keyRelease(window.windowHandle(), Qt.Key.Key_J)
    assert canvas._is_overlay_shown


def test_the_editor_tells_of_a_conflict_before_it_takes_a_key(qtbot, window: Window, tmp_path: Path):
    window.actions_by_name["change-keys"].trigger()
    dialog = window.findChild(KeyEditorDialog)
    bindings = dialog.bindings
    QTest.keyClicks(dialog.search, "find samples")
    assert dialog.command().name == "filter"
    QTest.keyClick(dialog.field, Qt.Key.Key_B)
    assert "belongs to Brush, which loses it" in dialog.note
    assert bindings.changed_names == [], "nothing is taken before somebody agrees"
    QTest.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    assert bindings.keys("filter") == ("Ctrl+F", "B")
    assert bindings.keys("tool-brush") == ()
    QTest.keyClick(dialog.field, Qt.Key.Key_Escape)
    assert "always gives up" in dialog.note
    assert not dialog.replace_button.isEnabled()
    QCoreApplication.sendEvent(dialog.field, QKeyEvent(QEvent.Type.KeyPress, ord("И"), NO, "и"))
    assert "has B already" in dialog.note, "letters are places"
    QTest.keyClick(dialog.field, Qt.Key.Key_F6, SHIFT | CONTROL)
    QTest.mouseClick(dialog.replace_button, Qt.MouseButton.LeftButton)
    assert bindings.keys("filter") == ("Ctrl+Shift+F6",)
    dialog.export_to(tmp_path / "mine.toml")
    QTest.mouseClick(dialog.reset_button, Qt.MouseButton.LeftButton)
    assert bindings.keys("filter") == ("Ctrl+F",)
    dialog.choose("tool-brush")
    QTest.mouseClick(dialog.reset_button, Qt.MouseButton.LeftButton)
    assert bindings.changed_names == []
    dialog.import_from(tmp_path / "mine.toml")
    assert bindings.keys("filter") == ("Ctrl+Shift+F6",)
    dialog.close()


def test_enter_in_a_search_field_presses_no_button(qtbot, window: Window, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    monkeypatch.setattr("segstudio.ui.dialogs.key_editor.agrees", lambda *words: asked.append(words))
    window.actions_by_name["keys"].trigger()
    window.actions_by_name["change-keys"].trigger()
    keys, editor = window.findChild(KeysDialog), window.findChild(KeyEditorDialog)
    editor.bindings.give("tool-brush", ("F7",))
    assert editor.reset_all_button.isEnabled()
    QTest.keyClick(editor.search, Qt.Key.Key_Return)
    assert not asked, "nobody wants to reset all"
    editor.bindings.reset_all()
    editor.close()
    qtbot.waitUntil(lambda: window.findChild(KeyEditorDialog) is None)
    QTest.keyClick(keys.search, Qt.Key.Key_Return)
    assert window.findChild(KeyEditorDialog) is None
    assert keys.isVisible()


def test_a_sign_needs_no_shift(window: Window):
    window.actions_by_name["change-keys"].trigger()
    dialog = window.findChild(KeyEditorDialog)
    dialog.choose("accept")
    QTest.keyClick(dialog.field, Qt.Key.Key_Question, SHIFT)
    assert "? belongs to Keys" in dialog.note
    dialog.close()


def test_the_list_of_keys_is_searched_and_printed(window: Window, monkeypatch):
    press(window, Qt.Key.Key_Question, SHIFT)
    dialog = window.findChild(KeysDialog)
    assert dialog.isVisible()
    shown = {name for name, command in COMMANDS.items() if command.keys}
    assert len(dialog.rows()) >= len(shown)
    QTest.keyClicks(dialog.search, "erase")
    assert "Eraser" in dialog.rows()
    assert "Retrain" not in dialog.rows()
    dialog.search.setText("zzzz")
    assert dialog.rows() == []
    opened: list[str] = []
    monkeypatch.setattr("segstudio.ui.dialogs.keys.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    path = dialog.print_page()
    assert opened
    assert "<kbd>Ctrl</kbd> <kbd>K</kbd>" in path.read_text(encoding="utf-8")
    window.actions_table.bindings.give("palette", ["Ctrl+Alt+P"])
    assert "<kbd>Ctrl</kbd> <kbd>K</kbd>" not in page(window.actions_table)
    dialog.close()
