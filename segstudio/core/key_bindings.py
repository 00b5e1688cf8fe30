"""Key bindings: the keys that a person gives to commands, as a small TOML file that holds only what is changed.

    version = 2
    [keys]
    accept = ["Return"]
    reject = []              # no key at all

The same file is kept beside the settings and carried to other machines. What a key is called is the window's affair.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import platformdirs
import tomli_w

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically

Keys = tuple[str, ...]

VERSION = 2
"""Of the commands that are named: in version 1 some were two that are one now."""


class StoredKeys(NamedTuple):
    """What a file of keys says.

    Attributes:
        keys: The changed keys of each command by its name.
        version: Of the program's commands when it was written.
    """

    keys: dict[str, Keys]
    version: int


def keys_path() -> Path:
    """Where the person's own keys lie: the system's folder for settings of programs."""
    return Path(platformdirs.user_config_dir("segstudio", appauthor=False)) / "keys.toml"


def load_keys(path: Path) -> StoredKeys:
    """The changed keys of each command; none where there is no file.

    Raises:
        UserError: When the file is damaged or is no file of keys.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return StoredKeys({}, VERSION)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "mend or delete it") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is damaged: {error}", "mend or delete it") from error
    table = content.get("keys")
    if not isinstance(table, dict):
        raise UserError(f"{path} is no file of keys: it has no part [keys]", "export one to see what it looks like")
    for name, keys in table.items():
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise UserError(f'{path}: the keys of {name} are no list of texts such as ["A"]', "mend or delete it")
    version = content.get("version", 1)
    return StoredKeys(
        {name: tuple(keys) for name, keys in table.items()}, version if isinstance(version, int) else VERSION
    )


def save_keys(path: Path, keys: Mapping[str, Keys]) -> None:
    """Write the changed keys.

    Raises:
        UserError: When the file cannot be written.
    """
    content = {"version": VERSION, "keys": {name: list(some) for name, some in sorted(keys.items())}}
    try:
        write_atomically(path, tomli_w.dumps(content).encode("utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
