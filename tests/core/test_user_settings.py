import pytest

from segstudio.core.errors import UserError
from segstudio.core.user_settings import UserSettings, load_settings, save_settings, settings_path


def test_defaults_without_a_file():
    assert load_settings() == UserSettings()
    assert not settings_path().exists()


def test_what_is_saved_is_loaded_and_defaults_are_not_written():
    save_settings(UserSettings(weights="/data/Gewichte ä"))
    assert load_settings().weights == "/data/Gewichte ä"
    save_settings(UserSettings())
    assert settings_path().read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("text", ["weights = ", "colour = 'blue'", "weights = 3", b"\xff\xfe".decode("latin-1")])
def test_a_damaged_file_is_named(text):
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"settings\.toml"):
        load_settings()
