"""Ignored regions and corrections through jobs: in and out of a project, into a run and its manifest."""

import json

import numpy as np
import pytest

from segstudio import cli
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.labels import CORRECTED, IGNORED
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.formats import encode_grey, encode_mask
from segstudio.jobs import JOBS
from segstudio.jobs.presets import preset
from segstudio.jobs.training_samples import choose, corrected_since, examples, last_run, recall
from segstudio.project.project import editor_lock
from tests.jobs.projects import TINY, make_project, review

REGION = np.zeros((48, 64), np.uint8)
REGION[10:30, 5:50] = 1


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path) as made:
        yield made


def perform(project, job, report=None, **values):
    return JOBS[job].from_values(values).perform(project.folder, report or ListReporter())


def chosen(project, **values):
    options = preset("conv-unet-fast").options(**values)
    return examples(project, choose(project, options, ListReporter()))


def test_regions_come_from_a_folder_and_go_to_one(project, tmp_path, capsys):
    folder = tmp_path / "regions"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "sample_01.png").write_bytes(encode_mask(REGION))
    (folder / "sample_02.png").write_bytes(encode_grey(REGION * np.uint8(7)))  # by its plain name; not black is ignored
    (folder / "sample_03.png").write_bytes(encode_mask(REGION[:5]))
    assert cli.main(["ignore", str(project.folder), "--from", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["changed"] == 2
    assert [one["image"] for one in said["samples"]] == ["images/sample_01.png", "images/sample_02.png"]
    assert said["samples"][0]["share"] == REGION.mean()
    assert [note["path"] for note in said["notes"]] == [str(folder / "sample_03.png")]
    assert cli.main(["ignore", str(project.folder), "--to", str(tmp_path / "out")]) == 0
    assert "29.30 %" in capsys.readouterr().out
    assert (tmp_path / "out/images/sample_02.png").read_bytes() == encode_mask(REGION)
    assert perform(project, "ignore", clear=True, filter="name:*01*")["changed"] == 1
    assert len(perform(project, "ignore")["samples"]) == 1
    with pytest.raises(UserError, match="three things"):
        perform(project, "ignore", clear=True, to=str(tmp_path / "x"))
    with pytest.raises(UserError, match="of none of the images"):
        perform(project, "ignore", source=str(tmp_path))
    # What is damaged is told of, and can be replaced.
    broken = project.ignored.path(project.samples.by_image("images/sample_04.png"))
    broken.write_bytes(b"no picture")
    assert [note["path"] for note in perform(project, "ignore")["notes"]] == ["images/sample_04.png"]
    assert perform(project, "ignore", clear=True)["changed"] == 2
    assert perform(project, "ignore") == {"samples": [], "notes": []}
    with pytest.raises(UserError, match="lies in the dataset"):
        perform(project, "ignore", to=str(project.source / "x"))


def test_regions_are_not_changed_beside_a_window_which_would_paint_over_them(project, tmp_path):
    write_atomically(tmp_path / "regions" / "images" / "sample_00.png", encode_mask(REGION))
    window = editor_lock(project.folder)
    assert window is not None
    with pytest.raises(UserError, match="open for editing in a window"):
        perform(project, "ignore", source=str(tmp_path / "regions"))
    with pytest.raises(UserError, match="open for editing in a window"):
        perform(project, "ignore", clear=True)
    assert perform(project, "ignore") == {"samples": [], "notes": []}
    window.release()
    assert perform(project, "ignore", source=str(tmp_path / "regions"))["changed"] == 1


def test_masks_are_corrected_since_the_run_that_counts(project):
    samples = {one.image[-6:-4]: one for one in project.samples.all()}
    first = samples["01"]

    def since(run):
        return corrected_since(project, run, [project.samples.get(one.id) for one in samples.values()])

    def edit(sample):
        project.masks.save(sample.id, project.masks.load(project.samples.get(sample.id)) ^ REGION)

    def pretend(rows):
        run = project.runs.create("p", "m", {}, "scratch")
        lines = ["sample,image,split,revision,image_sha256,mask_sha256,recipe", *rows]
        run.manifest.write_text("\n".join(lines), "utf-8")
        return project.runs.update(run.id, status="finished")

    assert last_run(project, "scratch") is None
    assert since(None) == {}
    edit(first)
    assert since(None) == {first.id: 0}
    project.masks.seal([first.id])
    run = pretend([f"{first.id},a,train,1,,,", f"{samples['02'].id},b,val,0,,,", f"{samples['03'].id},c,train,9,,,"])
    assert last_run(project, "imagenet") == run
    # What validated was not learnt from; of an earlier mask that is gone the dataset's own takes the place.
    edit(samples["02"])
    edit(samples["03"])
    assert since(run) == {samples["02"].id: 0, samples["03"].id: 0}
    edit(first)
    assert since(run)[first.id] == 1
    run.manifest.write_text("damaged", "utf-8")
    assert since(run)[first.id] == 0


def test_a_mask_drawn_from_nothing_is_no_correction(project):
    sample = project.samples.get(2)
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id = 2")
    project.masks.save(sample.id, REGION)
    assert corrected_since(project, None, list(project.samples.all([2]))) == {}


def test_what_an_example_says_of_its_pixels(project):
    train, val = project.samples.by_image("images/sample_01.png"), project.samples.by_image("images/sample_05.png")
    mask = project.masks.load(train)
    project.masks.save(train.id, mask ^ REGION)
    project.ignored.save(val.id, REGION)
    learnt, validated = chosen(project)
    one = next(one for one in learnt if one.sample == train.id)
    assert np.array_equal(one.read_before(), mask)
    assert one.state == ReviewState.CORRECTED
    assert one.read_ignored() is None
    other = next(one for one in validated if one.sample == val.id)
    project.ignored.save(val.id, 1 - REGION)  # what was chosen stays
    assert np.array_equal(other.read_ignored(), REGION)
    assert other.before is None
    assert all(one.before is None for one in chosen(project, correction_weight=1)[0])


def test_copies_are_ignored_where_their_recipe_has_moved_the_region(project):
    project.recipes.save(Recipe("turn", "Turn", "", (Step("Rotate", parameters={"limit": (-40, 40)}, p=1.0),)))
    perform(project, "augment", recipe="turn", copies=2, seed=3)
    source = project.samples.by_image("images/sample_00.png")
    project.ignored.save(source.id, project.masks.load(source))
    learnt, _ = chosen(project, recipe="turn", augmentation="queued")
    copies = [one for one in learnt if one.recipe]
    for one in copies:
        ignored = one.read_ignored()
        assert (ignored is not None) == (one.sample == source.id)
        if ignored is not None:  # of a region like the mask the copy's own mask tells where it has gone
            assert np.array_equal(ignored, one.read_mask())
    mine = next(one for one in copies if one.sample == source.id)
    mine.mask_file().write_bytes(encode_mask(REGION))
    with pytest.raises(UserError, match="something else by now"):
        mine.read_ignored()


def test_copies_are_not_ignored_where_something_was_pasted_over_the_region(project):
    paste = Step("PasteForeground", 1.0, {"edge_range": [0, 0], "count_range": [1, 1]})
    project.recipes.save(Recipe("paste", "Paste", "", (Step("HorizontalFlip", 1.0), paste)))
    perform(project, "augment", recipe="paste", copies=4)
    source = project.samples.by_image("images/sample_00.png")
    project.ignored.save(source.id, REGION)
    learnt, _ = chosen(project, recipe="paste", augmentation="queued")
    copies = [one for one in learnt if one.recipe and one.sample == source.id]
    before = project.masks.load(source)[:, ::-1]
    overlaps = 0
    for one in copies:
        pasted = one.read_mask() > before
        ignored = one.read_ignored() > 0
        assert not (ignored & pasted).any()
        assert (ignored | ~(REGION[:, ::-1] > 0) | (one.read_mask() > 0)).all()
        overlaps += (pasted & (REGION[:, ::-1] > 0)).sum()
    assert overlaps > 50
    (project.folder / "augmented/paste/donors").rename(project.folder / "augmented/paste/gone")
    with pytest.raises(UserError, match="something else by now"):
        copies[0].read_ignored()


@pytest.mark.training
def test_a_run_learns_by_weights_says_so_and_is_measured_without_what_is_ignored(project):
    from segstudio.core.manifest import load_manifest
    from segstudio.ml.data import load_example

    corrected, test = project.samples.by_image("images/sample_01.png"), project.samples.by_image("images/sample_07.png")
    project.masks.save(corrected.id, project.masks.load(corrected) ^ REGION)
    project.ignored.save(corrected.id, REGION[::-1].copy())
    project.ignored.save(test.id, REGION)
    review(project, [0], ReviewState.ACCEPTED)
    report = ListReporter()
    perform(project, "train", report, **TINY, epochs=2, unreviewed_weight=0.5, loss="bce-dice")
    assert "masks corrected since they came: 1; what was changed counts 3 times" in report.lines
    run = project.runs.get(1)
    rows = {row.sample: row for row in load_manifest(run.manifest)}
    assert (rows[corrected.id].before, rows[corrected.id].state) == (0, "corrected")
    assert rows[corrected.id].ignored_sha256 == project.ignored.keep(corrected)
    assert all(row.before is None and not row.ignored_sha256 for one, row in rows.items() if one != corrected.id)
    again = recall(project, list(rows.values()))
    _, labels, row = load_example(next(one for one in again["train"] if one.sample == corrected.id))
    assert row == rows[corrected.id]
    assert np.array_equal(labels == IGNORED, REGION[::-1])
    assert np.array_equal(labels & CORRECTED > 0, REGION & ~REGION[::-1] & 1)
    found = perform(project, "evaluate", split="test")
    probability = project.predictions.load(1, test)
    wanted = Counts.of(project.masks.load(test), probability >= 128, REGION)
    assert found["per_image"][0]["iou"] == wanted.iou
    assert found["accuracy"] == wanted.accuracy
    # What it has learnt now is no correction any more.
    assert corrected_since(project, run, list(project.samples.all([corrected.id]))) == {}
