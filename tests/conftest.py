"""What every test gets: an own home, no display, no network of Albumentations, and the real data where it lies."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy with something else is no fault of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

sys.path.insert(0, str(Path(__file__).parent.parent))


MAKES_MUCH = frozenset({"contracts", "flows", "jobs", "looks", "ml", "ui"})
"""Folders whose tests make windows and networks; to look for garbage after any other costs more than it gives."""

_set_aside: dict[str, Path] = {}
"""The file of tests for which TensorFlow lies where nobody looks for garbage."""

_C_LIBRARY = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and caches of a test never touch those of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home / name.lower()))
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that train come first: where several processes share the files, the last ones are short.

    pytest-xdist's own order, by the number of tests, leaves the few long stories to the end; test.sh turns it off.
    """
    long = {item.path for item in items if item.get_closest_marker("training")}
    items.sort(key=lambda item: item.path not in long)


def pytest_runtest_setup(item: pytest.Function) -> None:
    """Where Qt takes part no other thread looks for garbage: it would destroy widgets there, see ui/garbage.py.

    Whatever trains looks for it once more than anybody would notice, and each time through all of TensorFlow: once in
    a file that is set aside.
    """
    if "qapp" in item.fixturenames:
        gc.disable()
        return
    gc.enable()
    if "tensorflow" in sys.modules and item.path != _set_aside.get("for"):
        _set_aside["for"] = item.path
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Function, nextitem: pytest.Item | None) -> Iterator[None]:
    """What a test has made is gone after it: windows with what they show, networks with their graphs.

    Windows of this file, before threads of the next one can come upon them.
    """
    yield
    if nextitem is not None and nextitem.path == item.path:
        if "qapp" in item.fixturenames:
            gc.collect(0)
        elif item.get_closest_marker("training") and "segstudio.ml.network" in sys.modules:
            sys.modules["segstudio.ml.network"].release()  # jobs do so themselves
    elif item.path.parent.name in MAKES_MUCH:
        if "segstudio.ml.network" in sys.modules:
            sys.modules["segstudio.ml.network"].release()
        if "PySide6.QtWidgets" in sys.modules:
            _end_widgets()
        gc.unfreeze()  # what windows leave out of the search
        gc.collect()
        if hasattr(_C_LIBRARY, "malloc_trim"):
            _C_LIBRARY.malloc_trim(0)  # what is free goes back to the system


def _end_widgets() -> None:
    """End what a panel has made to be shown by a window, where there was no window."""
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    for widget in QApplication.topLevelWidgets():
        if widget.parent() is None:
            widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of the real data, from SEGSTUDIO_TEST_DATA; the test is skipped where there is none."""
    text = os.environ.get("SEGSTUDIO_TEST_DATA", "")
    if not text or not Path(text).is_dir():
        pytest.skip("SEGSTUDIO_TEST_DATA does not name a folder with the real data")
    return Path(text)
