"""A training on crops up to an exported model: repeated, resumed, predicted at the scale that it has learnt."""

import json
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.manifest import load_manifest
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from tests.jobs.projects import TINY, make_project
from tests.jobs.test_train import StopInEpoch

pytestmark = pytest.mark.training

CROPS = TINY | {"epochs": 3, "crop": 48, "crops": 2, "recipe": "flip"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("crops"), "tttve", size=(150, 100)) as made:
        yield made


def perform(project, job, report=None, **values):
    return JOBS[job].from_values(values).perform(project.folder, report or ListReporter())


@pytest.fixture(scope="module")
def run(project):
    report = ListReporter()
    perform(project, "train", report, **CROPS)
    assert "3 images to learn from, 1 to validate by in 12 crops of 48 px" in report.lines
    return project.runs.get(1)


def weights(run):
    from segstudio.ml.network import load_network

    return load_network(run.last_weights, "float32").get_weights()


def test_it_is_repeated_and_resumed_bit_for_bit(project, run):
    assert len(load_manifest(run.manifest)) == 4
    assert not (project.folder / "cache" / "training" / run.name).exists()
    perform(project, "train", StopInEpoch(2), **CROPS)
    assert project.runs.get(2).epochs == 1
    perform(project, "train", resume="2")
    assert all(map(np.array_equal, weights(run), weights(project.runs.get(2))))


def test_it_predicts_in_tiles_of_the_scale_it_has_learnt(project, run):
    from segstudio.core.way import Way, way_of
    from segstudio.ml.network import load_network
    from segstudio.ml.predict import predictions

    assert way_of(run.options) == Way(is_tiled=True, crop=48)
    assert way_of({}) == Way()
    assert way_of(run.options, "off", "all") == Way(flips="all")
    found = perform(project, "evaluate", run="1", split="test")
    sample = project.samples.by_image(found["per_image"][0]["image"])
    stored = project.predictions.load(1, sample)
    network = load_network(run.best_weights, "float32")
    image = project.read_image(sample)

    def looked(way):
        return next(iter(predictions(network, [image], lambda one: one, ListReporter(), way=way))).probability

    def apart(way):
        return float(np.abs(looked(way).astype(int) - stored).mean())

    assert looked(Way(is_tiled=True, crop=48)).shape == stored.shape == (100, 150)
    assert apart(Way(is_tiled=True, crop=48)) < 1  # in the precision of the device, which may be another
    assert apart(Way()) > 2 * apart(Way(is_tiled=True, crop=48))
    assert set(project.predictions.manners(1).values()) == {"plain"}
    perform(project, "predict", run="1", tiling="full")
    assert set(project.predictions.manners(1).values()) == {"tiling=full"}


def test_an_exported_model_comes_with_a_script_that_looks_at_parts(project, run, tmp_path):
    perform(project, "predict", run="1")
    made = perform(project, "export-model", run="1", to=str(tmp_path / "model.keras"))
    metadata = json.loads(Path(made["metadata"]).read_text("utf-8"))
    assert metadata["input"]["crop"] == 48
    assert "48x48" in metadata["input"]["size"]
    script: dict = {"__file__": made["script"], "__name__": "script"}
    exec(Path(made["script"]).read_text("utf-8"), script)
    sample = project.samples.get(1)
    image = project.read_image(sample)
    image = image[..., None] if image.ndim == 2 else image
    channels = metadata["input"]["channels"]
    found = script["in_parts"](np.repeat(image, channels, 2) if image.shape[2] == 1 else image[..., :channels])
    stored = project.predictions.load(1, sample) / 255
    assert found.shape == stored.shape
    assert np.abs(found - stored).mean() < 0.05  # what overlaps is weighed otherwise
    assert script["in_parts"](np.zeros((20, 60, channels), np.uint8)).shape == (20, 60)


def test_stress_and_rates_see_crops_too(project, run):
    found = perform(project, "stress", run="1", transforms=["darker"])
    assert found["images"] == 1
    assert 0 <= found["clean"]["iou"] <= 1
    swept = perform(
        project, "find-rate", **{name: value for name, value in CROPS.items() if name != "epochs"}, steps=10
    )
    assert swept["steps"] == 10
