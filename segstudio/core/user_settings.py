"""Settings of the person, for every project: one small TOML file that holds only what differs from the defaults."""

import tomllib
from pathlib import Path

import platformdirs
import tomli_w

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, checked, option


class UserSettings(Options):
    """What holds on this machine whatever the project."""

    weights: str = option(
        "",
        "ImageNet weights",
        help="A folder of weight files for machines without internet, or one file; empty: Keras downloads them once.",
        is_path=True,
    )
    reviewer: str = option(
        "", "Reviewer", help="Your name: it is written down with every verdict you give. Empty: verdicts bear no name."
    )


def settings_path() -> Path:
    """Where the file lies: the system's folder for settings of programs."""
    return Path(platformdirs.user_config_dir("segstudio", appauthor=False)) / "settings.toml"


def load_settings() -> UserSettings:
    """The settings; the defaults where there is no file.

    Raises:
        UserError: When the file is damaged or names what there is not.
    """
    path = settings_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return UserSettings()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "mend or delete it") from error
    try:
        return checked(UserSettings, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is damaged: {error}", "mend or delete it") from error
    except UserError as error:
        raise UserError(f"{path}: {error.message}", error.hint) from error


def reviewer_name() -> str:
    """Who gives the verdicts, as far as they said; a damaged file says nothing."""
    try:
        return load_settings().reviewer.strip()
    except UserError:
        return ""


def save_settings(settings: UserSettings) -> None:
    """Write what differs from the defaults.

    Raises:
        UserError: When the file cannot be written.
    """
    changed = settings.model_dump(exclude_defaults=True)
    try:
        write_atomically(settings_path(), tomli_w.dumps(changed).encode("utf-8"))
    except OSError as error:
        raise UserError(f"{settings_path()} cannot be written: {error.strerror or error}") from error
