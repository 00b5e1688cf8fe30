"""How long trainings will take: told from earlier ones by what an image, an epoch and the beginning cost."""

import csv

import pytest

from segstudio.core.manifest import ManifestRow, save_manifest
from segstudio.jobs.presets import preset
from segstudio.jobs.training_time import Paces, Planned
from tests.jobs.projects import make_project

BUILDING, EPOCH, RATE = 12.0, 0.5, 30.0
"""Seconds before the first epoch, seconds of each besides its images, and images a second."""


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, "tttttttttvvv") as made:
        yield made


def options(**changes):
    return preset("conv-unet-fast").options(size=128, **changes)


def learnt(project, *, images=6, epochs=2, is_old=False, rate=RATE, **changes):
    """A run as a machine of that pace would leave it."""
    run = project.runs.create("conv-unet-fast", "conv-unet", options(**changes).model_dump(), "scratch")
    seconds = EPOCH + (images + 3 / 3) / rate
    rows = [
        {"epoch": n, "images_per_second": rate} | ({} if is_old else {"epoch_seconds": seconds + (n == 1) * 5})
        for n in range(1, epochs + 1)
    ]
    with (run.folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    save_manifest([ManifestRow(n, f"{n}.png", "train", 0, "", "") for n in range(images)], run.manifest)
    return project.runs.update(run.id, status="finished", epochs=epochs, seconds=BUILDING + epochs * seconds)


def expected(images, epochs):
    return BUILDING + epochs * (EPOCH + (images + 1) / RATE)


def test_a_few_images_say_how_long_many_take(project):
    assert Paces(project).words([Planned("conv-unet", options(), 6)]) == "", "nobody knows yet"
    learnt(project, images=6, epochs=3)
    paces = Paces(project)
    for images, epochs in ((6, 3), (9, 30), (500, 100)):
        found = paces.seconds(Planned("conv-unet", options(epochs=epochs), images))
        assert found == pytest.approx(expected(images, epochs), rel=0.1)
    # Images four times as large take as much longer; what comes once does not.
    large = paces.seconds(Planned("conv-unet", options(epochs=10).replaced(size=256), 100))
    assert large == pytest.approx(BUILDING + 10 * (EPOCH + 4 * 101 / RATE), rel=0.1)
    crops = paces.seconds(Planned("conv-unet", options(epochs=10).replaced(crop=64, crops=4), 100))
    assert crops == pytest.approx(expected(400, 10), rel=0.1)
    assert paces.words([Planned("conv-unet", options(epochs=30), 9)] * 6) == (
        "6 trainings, about 3 min 30 s at the pace of earlier ones."
    )
    assert (paces.count(), paces.words([])) == (0, "")


def test_another_network_says_nothing_and_the_newest_run_counts(project):
    learnt(project, filters=16)
    learnt(project, rate=RATE / 10)
    (learnt(project).folder / "manifest.csv").write_text("damaged", encoding="utf-8")
    paces, other = Paces(project), preset("mobilenetv2-unet").options()
    known, unknown = Planned("conv-unet", options(epochs=100), 100), Planned("mobilenetv2-unet", other, 100)
    assert paces.seconds(known) == pytest.approx(100 * 100 / (RATE / 10), rel=0.2)
    assert paces.seconds(unknown) is None
    assert paces.words([known, unknown]) == "", "a part of it is no answer"


def test_runs_of_earlier_versions_say_about_as_much(project):
    learnt(project, is_old=True, epochs=10)
    found = Paces(project).seconds(Planned("conv-unet", options(epochs=10), 6))
    assert found == pytest.approx(expected(6, 10)), "the same again takes as long"
