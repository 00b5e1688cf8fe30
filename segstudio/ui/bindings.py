"""Bindings: which keys each command has now: its own, or those that the person gave it.

No key means two things: whoever gives a key to one command takes it from the other. The person's keys are kept in a
file beside the settings, see core.key_bindings.
"""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeySequence

from segstudio.core.errors import UserError
from segstudio.core.key_bindings import Keys, StoredKeys, keys_path, load_keys, save_keys

if TYPE_CHECKING:
    from segstudio.ui.actions import Command

_PORTABLE, _NATIVE = QKeySequence.SequenceFormat.PortableText, QKeySequence.SequenceFormat.NativeText

RESERVED = {
    "Esc": "gives up what is under way and leads back to the picture",
    "Return": "closes a polygon and applies what is shown",
    "Enter": "closes a polygon and applies what is shown",
    "Space": "moves the picture while it is held",
    "Tab": "goes to the next control",
    "Shift+Tab": "goes to the control before",
    "Backspace": "takes the last corner of a polygon back",
    "Up": "goes to the sample before",
    "Down": "goes to the next sample",
    "Left": "goes to the sample before",
    "Right": "goes to the next sample",
    "Shift+Up": "moves the picture",
    "Shift+Down": "moves the picture",
    "Shift+Left": "moves the picture",
    "Shift+Right": "moves the picture",
}
"""Keys that mean the same whatever anybody likes, with what they do."""

SUCCESSORS: dict[str, tuple[str, Keys]] = {"mask-take-prediction": ("error-take-all", ("Shift+P",))}
"""Commands of version 1 that have gone, the one that does what they did, and the keys that the program gave them: what
a person had as their keys are its keys."""


def normal(key: str) -> str:
    """A key as it is written in files: "Ctrl+Shift+Z"; empty for what is no key."""
    sequence = QKeySequence(key, _PORTABLE)
    if sequence.count() != 1 or combination(key).key() == Qt.Key.Key_unknown:
        return ""
    return sequence.toString(_PORTABLE)


def shown(keys: Iterable[str], *, is_held: bool = False) -> str:
    """Keys as this desktop writes them, for example "Ctrl+Shift+Z, Ctrl+Y"."""
    texts = ", ".join(QKeySequence(key).toString(_NATIVE) for key in keys)
    return f"hold {texts}" if is_held and texts else texts


def combination(key: str) -> QKeyCombination:
    """The key and its modifiers."""
    sequence: Any = QKeySequence(key)  # its stubs do not know that it has items
    return cast(QKeyCombination, sequence[0])


class Bindings(QObject):
    """The keys of all commands.

    Attributes:
        changed: Told after any command has other keys.
        problem: Why the person's own keys could not be read, or empty.
    """

    changed = Signal()

    def __init__(self, commands: "Mapping[str, Command]", parent: QObject | None = None) -> None:
        """Read the person's keys; where they cannot be read, every command has its own."""
        super().__init__(parent)
        self._commands = commands
        self._defaults = {name: tuple(map(normal, one.keys)) for name, one in commands.items()}
        self.problem = ""
        try:
            own = self._renamed(load_keys(keys_path()))
        except UserError as error:
            own, self.problem = {}, f"{error.message}; every command has the keys of the program."
        self._keys = self._settled({name: keys for name, keys in own.items() if name in commands})

    def keys(self, name: str) -> Keys:
        """The keys of a command, the first is shown."""
        return self._keys[name]

    def defaults(self, name: str) -> Keys:
        """The keys that the program gives it."""
        return self._defaults[name]

    def is_changed(self, name: str) -> bool:
        """Whether the person gave it other keys."""
        return self._keys[name] != self._defaults[name]

    @property
    def changed_names(self) -> list[str]:
        """The commands with other keys than the program's."""
        return [name for name in self._commands if self.is_changed(name)]

    def owner(self, key: str) -> str:
        """The command that has a key; empty when it is free."""
        wanted = normal(key)
        return next((name for name, keys in self._keys.items() if wanted in keys), "")

    def refusal(self, name: str, key: str) -> str:
        """Why a command cannot have a key, whoever has it now; empty when it can."""
        wanted = normal(key)
        if not wanted:
            return "That is no key."
        if wanted in RESERVED:
            return f"{shown([wanted])} always {RESERVED[wanted]}."
        if self._commands[name].is_held and combination(wanted).keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
            return "A key that is held stands alone, without Ctrl, Shift or Alt."
        return ""

    def give(self, name: str, keys: Iterable[str]) -> None:
        """Give a command these keys and no others; the commands that had them lose them.

        Raises:
            UserError: When one of them cannot be its key, or they could not be kept.
        """
        wanted = tuple(dict.fromkeys(map(normal, keys)))
        for key in wanted:
            if refusal := self.refusal(name, key):
                raise UserError(refusal)
        keys_now = {other: tuple(key for key in some if key not in wanted) for other, some in self._keys.items()}
        self._replace({**keys_now, name: wanted})

    def reset(self, name: str) -> None:
        """Give a command the program's keys again; who has them now loses them."""
        self.give(name, self._defaults[name])

    def reset_all(self) -> None:
        """Give every command the program's keys again."""
        self._replace(dict(self._defaults))

    def export_to(self, path: Path) -> None:
        """Write the changed keys into a file that `import_from` reads.

        Raises:
            UserError: When it cannot be written.
        """
        save_keys(path, {name: self._keys[name] for name in self.changed_names})

    def import_from(self, path: Path) -> list[str]:
        """Take the keys of a file in place of all that were changed; nothing is taken from a file with a mistake.

        Returns:
            The names in it that are no commands of this program, which are left out.

        Raises:
            UserError: When it cannot be read, gives a key to two commands, or names what is no key.
        """
        if not path.is_file():
            raise UserError(f"there is no file {path}")
        own = self._renamed(load_keys(path))
        known = {name: tuple(map(normal, keys)) for name, keys in own.items() if name in self._commands}
        seen: dict[str, str] = {}
        for name, keys in known.items():
            for key, written in zip(keys, own[name], strict=True):
                if refusal := self.refusal(name, key):
                    raise UserError(f"{path}: {written} for {name}: {refusal}")
                if key in seen:
                    raise UserError(
                        f"{path}: {written} is given to {seen[key]} and to {name}", "let one of them have it"
                    )
                seen[key] = name
        self._replace(self._settled(known))
        return sorted(own.keys() - self._commands.keys())

    def _renamed(self, stored: StoredKeys) -> dict[str, Keys]:
        """The keys that a person gave, those of commands that have gone given to the ones in their place."""
        result = dict(stored.keys)
        for old, (new, keys) in SUCCESSORS.items() if stored.version < 2 else ():
            # Who had changed neither of both has all keys of the one that is left.
            if (old in result or new in result) and new in self._commands:
                given = {normal(key) for some in result.values() for key in some}
                keys = result.pop(old, tuple(key for key in keys if key not in given))
                result[new] = tuple(dict.fromkeys((*result.get(new, self._defaults[new][:1]), *keys)))
        return result

    def _settled(self, own: Mapping[str, Keys]) -> dict[str, Keys]:
        """The keys of all commands: first what the person gave, then the program's that are still free."""
        taken: set[str] = set()
        result: dict[str, Keys] = {}
        for name, keys in own.items():
            some = dict.fromkeys(map(normal, keys))
            result[name] = tuple(key for key in some if key not in taken and not self.refusal(name, key))
            taken.update(result[name])
        for name, keys in self._defaults.items():
            if name not in result:
                result[name] = tuple(key for key in keys if key not in taken)
        return {name: result[name] for name in self._commands}

    def _replace(self, keys: dict[str, Keys]) -> None:
        path = keys_path()
        if self.problem:
            with contextlib.suppress(OSError):  # what somebody wrote by hand is not overwritten for a slip of the pen
                path.replace(path.with_name("keys-damaged.toml"))
        save_keys(path, {name: some for name, some in keys.items() if some != self._defaults[name]})
        self.problem = ""
        self._keys = keys
        self.changed.emit()
