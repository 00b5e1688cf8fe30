"""Run cards and rebuilding: a run says what it was made of, and is made again from that, bit for bit."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.manifest import load_manifest
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState
from segstudio.jobs import JOBS
from segstudio.jobs.rebuild import compared_with, warn_of_versions
from segstudio.project.run_files import read_card
from segstudio.project.since import changes_since
from tests.jobs.projects import TINY, make_project, review
from tests.project.projects import append_metrics

pytestmark = pytest.mark.training


class StopIn(ListReporter):
    """Wants to be stopped in an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self._words = f"epoch {epoch} of"

    def progress(self, done, total, text=""):
        super().progress(done, total, text)
        if self._words in text:
            raise Cancelled


def perform(project, job, report=None, **values):
    return JOBS[job].from_values(values).perform(project.folder, report or ListReporter())


def rebuilt(project, run, report=None):
    return perform(project, "train", report, rebuild=str(run))


def correct(project, number):
    """Change a mask, as a person would."""
    sample = project.samples.by_image(f"images/sample_{number:02}.png")
    mask = project.masks.load(sample).copy()
    mask[:9, :9] ^= 1
    project.masks.save(sample.id, mask)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Run 1: two epochs, augmented, on corrected masks; run 2: goes on from it, stopped in its second epoch of four."""
    with make_project(tmp_path_factory.mktemp("rebuild"), "tttttvve") as made:
        correct(made, 0)
        perform(made, "train", **TINY, epochs=2, recipe="light")
        correct(made, 1)
        retrain = {"start": "1", "samples": "retrain", "epochs": 4}
        perform(made, "train", StopIn(2), **retrain)
        # What is edited later must not matter.
        correct(made, 0)
        correct(made, 2)
        review(made, [3], ReviewState.REJECTED)
        yield made


def test_a_card_says_with_what_on_what_and_from_what(project):
    import tensorflow as tf

    from segstudio.ml.network import load_network, weights_digest

    run = project.runs.get(1)
    card = read_card(run)
    assert (card["run"], card["seed"], card["status"], card["epochs"]) == (1, 0, "finished", 2)
    (session,) = card["sessions"]
    assert {"segstudio", "python", "tensorflow", "keras", "numpy", "albumentations", "opencv-python-headless"} <= (
        session["versions"].keys()
    )
    assert session["versions"]["tensorflow"] == tf.__version__
    assert session["machine"]["cores"] >= 1
    assert "inter_op_threads" in session["machine"]
    assert card["data"]["manifest_sha256"] == hashlib.sha256(run.manifest.read_bytes()).hexdigest()
    assert (card["data"]["train"], card["data"]["val"]) == (5, 2)
    assert card["weights_digest"] == weights_digest(load_network(run.best_weights, "float32"))
    assert card["initial_digest"] not in ("", card["weights_digest"])
    assert card["device"] == run.device
    assert card["seconds"] == run.seconds > 0
    begun = read_card(project.runs.get(2))
    assert begun["start"] == {
        "from": "1",
        "weights_sha256": hashlib.sha256(run.best_weights.read_bytes()).hexdigest(),
    }


def test_the_page_of_a_run_is_one_file_for_people(project):
    perform(project, "evaluate", run="1", split="val", groups=["name:*sample*"])
    perform(project, "challenge", run="2", against="1")
    page = project.runs.get(1).report.read_text(encoding="utf-8")
    assert "champion" in page
    assert page.count("<polyline") >= 6, "curves of loss, IoU, precision and calibration"
    assert "http" not in page, "it must be self-contained"
    for row in load_manifest(project.runs.get(1).manifest):
        assert row.image_sha256 in page
        assert row.mask_sha256 in page
    assert "--rebuild 1" in page
    assert "name:*sample*" in page
    assert "Against the champion of that time, run 0001" in project.runs.get(2).report.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [1, 2])
def test_a_rebuilt_run_is_the_same_bit_for_bit(project, number):
    import tensorflow as tf

    from segstudio.ml.network import load_network

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("bit for bit on a CPU alone")
    champion = project.runs.best()
    original = project.runs.get(number)
    result = rebuilt(project, number)
    json.dumps(result, allow_nan=False)
    run = project.runs.get(result["run"])
    assert run.id not in (1, 2)
    found = result["rebuilt"]
    assert found["is_same"], found["differences"]
    assert found["weights_are_same"]
    assert found["figures"] >= 8
    assert f"run {original.name} again" in result["verdict"]
    epochs = [project.runs.metrics(one.id) for one in (original, run)]
    left_out = {"images_per_second", "epoch_seconds", "memory_mib"}  # how fast, and with what else in memory
    figures = [
        [{name: value for name, value in row.items() if name not in left_out} for row in rows] for rows in epochs
    ]
    assert figures[0] == figures[1]
    weights = [load_network(one.best_weights, "float32").get_weights() for one in (original, run)]
    assert all(map(np.array_equal, *weights))
    assert original.manifest.read_bytes() == run.manifest.read_bytes()
    assert (run.status, run.epochs, run.start) == (original.status, original.epochs, original.start)
    assert run.options == original.options
    assert project.runs.best() == champion, "a rebuilt run does not compete"


def test_other_figures_are_found_and_named(project):
    original = project.runs.get(1)
    text = (original.folder / "metrics.csv").read_text(encoding="utf-8")
    kept = shutil.copy(original.folder / "metrics.csv", original.folder / "kept.csv")
    lines = text.splitlines()
    column = lines[0].split(",").index("val_iou")
    values = lines[1].split(",")
    values[column] = "0.123"
    (original.folder / "metrics.csv").write_text("\n".join([lines[0], ",".join(values), *lines[2:]]), encoding="utf-8")
    try:
        found = rebuilt(project, 1)["rebuilt"]
    finally:
        shutil.move(kept, original.folder / "metrics.csv")
    (difference,) = found["differences"]
    assert (difference["epoch"], difference["figure"], difference["before"]) == (1, "val_iou", 0.123)
    assert not found["is_same"]
    assert found["weights_are_same"]


def test_figures_that_the_version_of_the_original_did_not_know_are_no_differences(tmp_path):
    with make_project(tmp_path) as project:
        old, new = (project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch") for _ in range(2))
        append_metrics(old, 1, {"iou": 0.5, "val_iou": 0.4})
        append_metrics(new, 1, {"iou": 0.5, "dice": 0.6, "val_iou": 0.4, "val_dice": 0.5})
        found = compared_with(project, old, new, [])
        assert (found["is_same"], found["figures"]) == (True, 2)
        append_metrics(new, 2, {"iou": 0.5, "val_iou": 0.4})
        assert not compared_with(project, old, new, [])["is_same"], "an epoch that is missing is one"


def test_a_file_that_is_another_is_refused_and_named(project):
    image = project.source / "images" / "sample_04.png"
    before = image.read_bytes()
    image.write_bytes(before + b" ")
    runs = len(project.runs.list())
    try:
        with pytest.raises(UserError, match=r"1 file is not what it .*: images/sample_04.png \(image\) is another"):
            rebuilt(project, 1)
    finally:
        image.write_bytes(before)
    assert len(project.runs.list()) == runs, "nothing was begun"
    row = next(row for row in load_manifest(project.runs.get(1).manifest) if row.image == "images/sample_00.png")
    sample = project.samples.by_image(row.image)
    mask = next(one.path for one in project.masks.revisions(sample) if one.number == row.revision)
    kept = mask.read_bytes()
    mask.unlink()
    try:
        with pytest.raises(UserError, match=r"sample_00.png \(mask, revision 1\) is gone"):
            rebuilt(project, 1)
    finally:
        mask.write_bytes(kept)


def test_weights_that_it_began_with_must_be_what_they_were(project):
    best = project.runs.get(1).best_weights
    before = best.read_bytes()
    best.write_bytes(before + b" ")
    try:
        with pytest.raises(UserError, match="the weights of run 0001, with which it began, are others now"):
            rebuilt(project, 2)
    finally:
        best.write_bytes(before)


def test_other_options_do_not_go_with_it(project):
    with pytest.raises(UserError, match="epochs"):
        perform(project, "train", rebuild="1", epochs=3)
    with pytest.raises(UserError, match="no run 0099"):
        rebuilt(project, 99)


def test_other_versions_are_told(project):
    run = project.runs.get(1)
    card = read_card(run)
    report = ListReporter()
    assert warn_of_versions(run, report) == []
    changed = json.loads(json.dumps(card))
    changed["sessions"][0]["versions"]["keras"] = "2.0"
    run.card.write_text(json.dumps(changed), encoding="utf-8")
    try:
        (difference,) = warn_of_versions(run, report)
    finally:
        run.card.write_text(json.dumps(card), encoding="utf-8")
    assert difference.startswith("keras 2.0 then")
    assert "other versions" in report.lines[-1]


def test_what_changed_since_a_run(project):
    since = changes_since(project, load_manifest(project.runs.get(1).manifest))
    assert [one.name for one in since.corrected] == ["sample_00.png", "sample_01.png", "sample_02.png"]
    assert [one.name for one in since.left_out] == ["sample_03.png"]
    assert (since.reviewed, since.gone) == ([], [])
    assert since.words() == "Since this run: 3 changed masks, 1 image flagged or rejected."
    found = perform(project, "diff", run="2", against="1")
    assert (found["run"], found["against"]) == (2, 1)
    options = {row["option"]: (row["before"], row["after"]) for row in found["options"]}
    assert options["start"] == ("scratch", "1")
    assert options["epochs"] == (2, 4)
    assert "filters" not in options
    assert found["learnt"]["changed"] == ["images/sample_01.png"]
    # It learnt from the two masks that a person vouched for then.
    assert found["since"]["corrected"] == ["images/sample_00.png"]
    assert found["since"]["reviewed"] == ["images/sample_02.png"]


def test_an_average_of_weights_is_kept_met_and_made_again(project):
    made = perform(project, "train", **TINY, epochs=2, seed=5, keep="average")
    run = project.runs.get(made["run"])
    assert (made["keep"], made["best"]["epoch"], run.best_epoch) == ("average", 2, 2)
    assert made["meeting"]["run_mean"] >= 0
    assert project.runs.how_far(run.id)[:2] == (2, 2)
    assert "their moving average after epoch 2" in run.report.read_text("utf-8")
    assert rebuilt(project, run.id)["rebuilt"]["is_same"]
