"""What each pixel counts in the next training, shown over the image while masks and options change."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.sample import ReviewState
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    with shown_window(qtbot, make_project(tmp_path)) as one:
        yield one


def caption(window: Window) -> str:
    shown = window.panes._overlays.weights
    return "" if shown is None else shown.caption.text


def test_corrections_ignored_regions_and_options_show_at_once(qtbot: QtBot, window: Window) -> None:
    session, panes = window.session, window.panes
    train = next(one for one in session.project.samples.all() if one.split == "train" and one.truth is not None)
    session.show(train.id)
    qtbot.waitUntil(lambda: session.sample.id == train.id and window.is_settled() and session.ignored is not None)
    window.actions_by_name["weights"].trigger()
    qtbot.waitUntil(lambda: caption(window) != "")
    assert caption(window) == "corrected since the dataset 0.0 %: ×3, others: ×1"
    assert panes._overlays.weights.corrected is None
    before = session.document.mask.copy()
    painted = before.copy()
    painted[14:26, 14:26], painted[24:36, 34:46] = 1, 0
    session.document.replace(painted, "Brush")
    changed = before != session.document.mask
    assert changed.any()
    qtbot.waitUntil(lambda: panes._overlays.weights is not None and panes._overlays.weights.corrected is not None)
    assert np.array_equal(panes._overlays.weights.corrected, changed)
    region = np.zeros_like(before)
    region[18:22, 10:22] = 1
    session.ignored.replace(region, "Brush")
    qtbot.waitUntil(lambda: caption(window).endswith("ignored: ×0"))
    assert np.array_equal(panes._overlays.weights.corrected, changed & (session.ignored.mask == 0))
    # By the options of the Train tab, as soon as somebody has looked at it.
    form = window.train_panel.form
    form.set_values({"correction_weight": 8.0, "unreviewed_weight": 0.5})
    qtbot.waitUntil(lambda: "×8" in caption(window))
    session.decisions.set_states([session.sample.id], ReviewState.TODO)
    qtbot.waitUntil(lambda: "not reviewed: ×0.5" in caption(window))
    assert np.array_equal(panes._overlays.weights.others, ~(changed | (session.ignored.mask > 0)))
    form.set_values({"correction_weight": 1.0})
    qtbot.waitUntil(lambda: panes._overlays.weights is not None and panes._overlays.weights.corrected is None)
    window.actions_by_name["weights"].trigger()
    assert panes._overlays.weights is None
    assert session.save_now(wait=True)


def test_what_is_not_learnt_from_counts_nothing(qtbot: QtBot, window: Window) -> None:
    session = window.session
    test = next(one for one in session.project.samples.all() if one.split == "test")
    session.show(test.id)
    qtbot.waitUntil(lambda: session.sample.id == test.id and window.is_settled())
    window.actions_by_name["weights"].trigger()
    qtbot.waitUntil(lambda: caption(window) == "not learnt from: test split: ×0")
    assert window.panes._overlays.weights.others.all()
    # Another sample does not show the weights of this one for a moment.
    other = next(one for one in session.project.samples.all() if one.split == "train")
    session.show(other.id)
    qtbot.waitUntil(lambda: session.sample.id == other.id and window.is_settled())
    assert "not learnt" not in caption(window)
