"""Pre-flight: what is wrong with a dataset is found before a training begins, and what the training takes is known."""

import json
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.jobs import JOBS, dataset_lint
from segstudio.jobs.dataset_lint import facts_of, lint, look_inverted
from segstudio.jobs.presets import preset
from segstudio.jobs.training_samples import select
from segstudio.jobs.trial import reason_in
from segstudio.project.check import check_project
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.jobs.projects import TINY, damage, make_project, review

CHECK_AGAIN = """
import json, sys
from pathlib import Path
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
result = JOBS["preflight"].from_values(json.loads(sys.argv[2])).perform(Path(sys.argv[1]), ListReporter())
print(result["ok"], result["estimate"]["bytes"], "tensorflow" in sys.modules)
"""


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, "tttttttttttvvvee") as made:
        yield made


def found(project, looks=dataset_lint.LOOKS):
    chosen = select(project, preset("conv-unet-fast").options(), ListReporter())
    return {one.kind: one for one in lint(project, chosen, ListReporter(), looks=looks)}


def preflight(project, report=None, **values):
    return JOBS["preflight"].from_values({**TINY, **values}).perform(project.folder, report or ListReporter())


def mask_path(project, number):
    return project.source / f"masks/sample_{number:02}.png"


def change_mask(project, number, change):
    path = mask_path(project, number)
    Image.fromarray(change(np.asarray(Image.open(path)))).save(path)


def image_path(project, number):
    return project.source / f"images/sample_{number:02}.png"


# --- the lint ------------------------------------------------------------------------------------------------------


def test_a_sound_dataset_has_nothing_to_complain_of(project):
    assert {one.severity for one in found(project).values()} == {"fine"}


def test_all_masks_empty_blocks_and_one_empty_is_fine(project):
    change_mask(project, 0, np.zeros_like)
    assert found(project)["empty"].severity == "fine"
    assert found(project)["empty"].samples == ["images/sample_00.png"]
    for number in range(11):
        change_mask(project, number, np.zeros_like)
    assert found(project)["no-foreground"].severity == "blocks"
    assert found(project)["no-foreground"].count == 11


def test_full_masks_and_a_split_without_foreground_are_told(project):
    change_mask(project, 3, lambda mask: np.full_like(mask, 255))
    for number in (11, 12, 13):
        change_mask(project, number, np.zeros_like)
    result = found(project)
    assert (result["full"].severity, result["full"].samples) == ("warns", ["images/sample_03.png"])
    assert result["no-foreground-val"].severity == "warns"
    assert "no-foreground-test" not in result
    for number in range(11):
        change_mask(project, number, lambda mask: np.full_like(mask, 255))
    assert found(project)["no-background"].severity == "blocks"


def test_damaged_missing_and_mismatched_files_are_named(project):
    image = damage(project, 0)
    mask_path(project, 1).write_bytes(b"not a picture")
    change_mask(project, 2, lambda mask: mask[:-3])
    image_path(project, 11).unlink()
    Image.open(image_path(project, 3)).resize((20, 20)).save(image_path(project, 3))
    result = found(project)
    assert set(result["unreadable"].samples) == {image, *(f"images/sample_{n:02}.png" for n in (1, 2, 3))}
    assert result["unreadable-val"].samples == ["images/sample_11.png"]
    assert {result[kind].severity for kind in ("unreadable", "unreadable-val")} == {"warns"}
    for number in range(11):
        mask_path(project, number).write_bytes(b"not a picture")
    assert found(project)["unreadable"].severity == "blocks"


def chosen_of(project):
    return select(project, preset("conv-unet-fast").options(), ListReporter())


def test_real_damaged_files_are_findings_and_no_crash(tmp_path, test_data):
    """Truncated, fuzzed and decompression bombs: every one is told of in words."""
    odd = sorted(one for one in (test_data / "odd" / "corrupt").iterdir() if one.suffix in (".png", ".jpg", ".tif"))
    with make_project(tmp_path, "t" * (len(odd) + 2) + "v") as project:
        for number, path in enumerate(odd):
            image_path(project, number).write_bytes(path.read_bytes())
        result = found(project)
        assert result["unreadable"].count >= len(odd) - 1  # one of them is only oddly ended
        assert result["unreadable"].severity == "warns"
        facts = [facts_of(project, one) for one in project.samples.all()]
        assert all(one.problem for one in facts[: len(odd)] if not one.hash)


def test_the_same_picture_on_both_sides_is_a_leak(project):
    image_path(project, 15).write_bytes(image_path(project, 2).read_bytes())
    picture = np.asarray(Image.open(image_path(project, 4))).astype(int)
    Image.fromarray(np.clip(picture + 9, 0, 255).astype(np.uint8)).save(image_path(project, 12))  # a brighter frame
    result = found(project)
    assert (result["leak-test"].severity, result["leak-test"].samples) == ("warns", ["images/sample_15.png"])
    assert "sample_02.png" in result["leak-test"].text
    assert result["leak-val"].samples == ["images/sample_12.png"]


def test_too_few_samples_are_told(tmp_path):
    with make_project(tmp_path, "tttv") as project:
        result = found(project)
        assert (result["few"].severity, result["few-to-validate"].severity) == ("warns", "warns")
        review(project, [0, 1, 2], ReviewState.REJECTED)
        result = preflight(project, step=False)
        assert not result["ok"]
        assert "not enough samples" in result["findings"][0]["text"]


def inverted_lungs(tmp_path, test_data, count, numbers):
    """A project of real X-rays in which some masks are inverted."""
    source = tmp_path / "lungs"
    names = sorted(path.name for path in (test_data / "lungs" / "images").iterdir())[::5][:count]
    for part in ("images", "masks"):
        (source / part).mkdir(parents=True)
        for name in names:
            picture = Image.open(test_data / "lungs" / part / name).resize((128, 128))
            if part == "masks" and names.index(name) in numbers:
                picture = Image.fromarray(255 - np.asarray(picture.convert("L")))
            picture.save(source / part / name)
    splits = [Split.TRAIN] * (count - 3) + [Split.VAL] * 3
    rows = [
        NewSample(f"images/{name}", f"masks/{name}", 128, 128, split=split)
        for name, split in zip(names, splits, strict=True)
    ]
    return Project.create(tmp_path / "project", source, rows), names


def test_inverted_masks_of_real_x_rays_are_found_and_no_others(tmp_path, test_data):
    project, names = inverted_lungs(tmp_path, test_data, 20, {2, 7, 18})
    with project:
        finding = found(project)["inverted"]
        assert finding.severity == "warns"
        assert set(finding.samples) == {f"images/{names[number]}" for number in (2, 7, 18)}


def test_masks_of_any_place_and_brightness_are_not_taken_for_inverted():
    rng = np.random.default_rng(0)
    facts = []
    for _ in range(40):
        top, left, side = *rng.integers(0, 20, 2), rng.integers(4, 12)
        mask = np.zeros((32, 32))
        mask[top : top + side, left : left + side] = 1
        packed = dataset_lint.base64.b64encode(np.packbits(mask > 0).tobytes()).decode()
        inside, outside = rng.uniform(80, 160, 2)
        facts.append(dataset_lint.Facts("", mask.mean(), mask[0].mean() / 4, inside, outside, packed))
    assert not look_inverted(facts).any()


def test_what_was_seen_is_kept_until_a_file_changes(project, monkeypatch):
    found(project)
    seen = []
    monkeypatch.setattr(
        dataset_lint, "facts_of", lambda project, sample: seen.append(sample.image) or facts_of(project, sample)
    )
    found(project)
    assert seen == []
    change_mask(project, 5, np.zeros_like)
    assert found(project)["empty"].samples == ["images/sample_05.png"]
    assert seen == ["images/sample_05.png"]


def test_only_so_many_files_are_looked_at_in_one_go_and_more_each_time(project):
    assert found(project, looks=5)["looked-at"].text == "the files of 5 of 16 samples were looked at"
    assert found(project, looks=5)["looked-at"].text == "the files of 10 of 16 samples were looked at"
    assert "looked-at" not in found(project, looks=0)


# --- the job -------------------------------------------------------------------------------------------------------


@pytest.mark.training
def test_a_dry_run_tells_memory_and_time_and_leaves_nothing_behind(project):
    change_mask(project, 0, np.zeros_like)
    before = sorted(path.name for path in project.folder.iterdir())
    result = preflight(project, batch="auto", size="auto", epochs=7)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["ok"]
    estimate = result["estimate"]
    assert 100e6 < estimate["bytes"] < estimate["free"]
    steps_and_saves = estimate["steps"] * estimate["seconds_per_step"] + estimate["seconds_per_save"]
    assert estimate["seconds"] > 7 * steps_and_saves > 7 * estimate["seconds_per_save"] > 0
    # Images are 64 x 48: no more than that, and no less than what an encoder halves. Eleven images want small batches.
    assert result["options"] == {"size": 64, "batch": 2}
    decisions = {one["option"]: one for one in result["decisions"]}
    assert decisions["size"]["is_automatic"]
    assert "48 px" in decisions["size"]["reason"]
    assert "11 images" in decisions["batch"]["reason"]
    assert decisions["threads"]["reason"]
    assert all(one["reason"] for one in result["decisions"])
    assert project.runs.list() == []
    assert sorted(path.name for path in project.folder.iterdir()) in (before, sorted([*before, "cache"]))
    assert check_project(project, ListReporter()) == []
    assert not any(
        one.is_sealed for one in (project.masks.revisions(s)[-1] for s in project.samples.all()) if one.number
    )

    # The same question again needs no second process: half a second, and not the many that TensorFlow takes.
    report = ListReporter()
    assert preflight(project, report, batch="auto", size="auto", epochs=14)["estimate"]["bytes"] == estimate["bytes"]
    assert not any("dry run" in text for _, _, text in report.progresses)
    # Nor does it load TensorFlow in this one.
    values = json.dumps({**TINY, "batch": "auto", "size": "auto"})
    said = subprocess.run(
        [sys.executable, "-c", CHECK_AGAIN, str(project.folder), values], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["True", str(estimate["bytes"]), "False"]


@pytest.mark.training
def test_it_stops_at_once_within_the_dry_run(project):
    class StopInDryRun(ListReporter):
        def progress(self, done, total, text=""):
            self.is_cancel_wanted = "dry run" in text
            super().progress(done, total, text)

    with pytest.raises(Cancelled):
        preflight(project, StopInDryRun())
    assert project.runs.list() == []


def test_what_cannot_be_is_a_finding_with_its_hint(project, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    values = {"preset": "mobilenetv2-unet", "weights": str(tmp_path / "none.h5"), "step": False}
    result = JOBS["preflight"].from_values(values).perform(project.folder, ListReporter())
    assert [one["kind"] for one in result["findings"] if one["severity"] == "blocks"] == ["weights"]
    assert "none.h5" in result["findings"][0]["text"]
    result = preflight(project, step=False, start="77")
    assert result["findings"][0]["kind"] == "options"
    assert "0077" in result["findings"][0]["text"]


def test_what_a_traceback_says_is_found_in_it():
    said = ["Traceback (most recent call last):", '  File "fit.py", line 3, in fit', "ValueError: no such layer"]
    assert reason_in(said) == "ValueError: no such layer"
    graph = [
        "AbortedError: Graph execution error:",
        "exception:Status: 1, message: no kernel, in file x.cc:3",
        "\t [[{{node n}}]]",
    ]
    assert reason_in(graph).startswith("exception:Status: 1, message: no kernel")
    assert reason_in(["it ended with 3"]) == "it ended with 3"


def test_a_batch_beyond_all_images_is_worth_a_word(project):
    result = preflight(project, step=False, batch=64)
    assert "an epoch is one step" in next(one["text"] for one in result["findings"] if one["kind"] == "batch")


# --- a training decides the same ------------------------------------------------------------------------------------


@pytest.mark.training
def test_a_run_keeps_every_decision_with_its_reason(project):
    report = ListReporter()
    result = (
        JOBS["train"]
        .from_values({**TINY, "batch": "auto", "epochs": 1, "balance": "frequency"})
        .perform(project.folder, report)
    )
    about = tomllib.loads((project.folder / "runs" / "0001" / "options.toml").read_text(encoding="utf-8"))
    assert about["options"]["batch"] == 2  # where it always was
    assert project.runs.get(result["run"]).options["batch"] == 2
    reasons = about["reasons"]
    assert "11 images to learn from" in reasons["batch"]
    assert reasons["size"] == "asked for"
    assert "TensorFlow" in reasons["device"]
    assert "a pixel of it counts" in reasons["balance"]
    assert {"precision", "threads", "augmentation", "start", "samples", "learning_rate"} <= reasons.keys()
    (project.folder / "project.sqlite").unlink()  # whoever reads the file alone is not troubled by the reasons
    project.close()
    JOBS["check"].from_values({"rebuild": True}).perform(project.folder, ListReporter())
    with Project.open(project.folder) as rebuilt:
        assert rebuilt.runs.get(1).options == about["options"]


def test_a_doomed_training_is_not_begun(project):
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET foreground = 0 WHERE split = 'train'")
    with pytest.raises(UserError, match="masks to learn from are empty"):
        JOBS["train"].from_values({**TINY, "epochs": 1}).perform(project.folder, ListReporter())
    assert project.runs.list() == []


def test_lint_of_ten_thousand_samples_stays_quick(tmp_path):
    """By the index, the file times and a few looks: as many as for a small project."""
    from tests.datasets import make_dataset

    source = make_dataset(tmp_path / "dataset", 4, (16, 16))
    rows = [
        NewSample(f"images/copy_{n}.png", f"masks/copy_{n}.png", 16, 16, split=list(Split)[n % 3], foreground=0.2)
        for n in range(10_000)
    ]
    for number in range(10_000):
        for part in ("images", "masks"):
            (source / part / f"copy_{number}.png").hardlink_to(source / part / f"sample_{number % 4:02}.png")
    with Project.create(tmp_path / "project", source, rows) as project:
        report = ListReporter()
        result = lint(project, chosen_of(project), report, looks=100)
        assert "leak-test" in {one.kind for one in result}
        assert sum("looking at sample" in text for _, _, text in report.progresses) == 100
