import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import Split
from segstudio.jobs import JOBS
from segstudio.project.sample_table import SPLITS, UNCERTAINTIES
from tests.jobs.projects import TINY, damage, make_project

pytestmark = pytest.mark.training


def perform(project, job, report=None, **values):
    return JOBS[job].from_values(values).perform(project.folder, report or ListReporter())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("predict"), size=(70, 45)) as made:
        perform(made, "train", **TINY, epochs=1)
        yield made


def test_predicts_every_sample_at_its_own_size_and_scores_it(project):
    result = perform(project, "predict")
    assert result["samples"] == 8
    assert result["run"] == 1
    assert project.predictions.current() == 1
    for sample in project.samples.all():
        assert project.predictions.load(1, sample).shape == (45, 70)
    table = project.samples.revealed()
    assert np.isfinite(table.uncertainty).all()
    assert np.isfinite(table.iou).all()


def test_says_which_samples_changed_most(project):
    perform(project, "predict", run="1")
    second = perform(project, "train", **TINY | {"start": "1", "learning_rate": 0.05, "epochs": 3})
    result = perform(project, "predict", run=str(second["run"]))
    shares = []
    for sample_id in result["changed"]:
        sample = project.samples.get(sample_id)
        old, new = (project.predictions.load(run, sample) >= 128 for run in (1, second["run"]))
        shares.append((old != new).mean())
    assert shares
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 0


def test_predicts_what_the_filter_or_the_list_says(project):
    assert perform(project, "predict", run="1", filter="split:test")["samples"] == 1
    first = project.samples.by_image("images/sample_00.png").id
    assert perform(project, "predict", run="1", samples=[first, "images/sample_03.png"])["samples"] == 2
    assert perform(project, "predict", run="1", filter="name:nothing")["samples"] == 0


def test_mirror_images_that_are_looked_at_for_their_disagreement_alone_change_no_prediction(project):
    ids = [one.id for one in project.samples.all()]
    perform(project, "predict", run="1")
    before = [project.predictions.load(1, one) for one in project.samples.all(ids)]
    plain = project.samples.table().uncertainty.copy()
    events = project.runs.events(1)
    perform(project, "predict", run="1", uncertainty="horizontal")
    for one, probability in zip(project.samples.all(ids), before, strict=True):
        assert np.abs(project.predictions.load(1, one).astype(int) - probability).max() <= 1
    table = project.samples.table()
    assert {UNCERTAINTIES[kind] for kind in table.uncertainty_kind} == {"horizontal"}
    assert (table.uncertainty != plain).all()
    assert project.runs.events(1) == events  # runs may be compared by these predictions as before
    listed = perform(project, "list")["samples"]
    assert {row["uncertainty_kind"] for row in listed} == {"horizontal"}
    perform(project, "predict", run="1", flips="all")
    assert {UNCERTAINTIES[kind] for kind in project.samples.table().uncertainty_kind} == {"all"}
    perform(project, "predict", run="1")
    np.testing.assert_array_equal(project.samples.table().uncertainty, plain)


def test_each_prediction_knows_how_it_was_made_also_when_the_index_is_lost(project):
    perform(project, "predict", run="1")
    shown = project.predictions.current()
    val = [one for one in project.samples.all() if one.split is Split.VAL]
    mirrored = {one.id for one in val}
    result = perform(project, "predict", run="1", flips="horizontal", tiling="full", filter="split:val")
    assert result["way"]["words"] == "tiles, 50 % overlap, mean with the mirror image"
    ids = [one.id for one in project.samples.all()]
    manners = {one: "tiling=full flips=horizontal" if one in mirrored else "plain" for one in ids}
    assert project.predictions.manners(1) == manners
    assert {row["sample"]: row["manner"] for row in perform(project, "list")["samples"]} == manners
    project.masks.save(val[0].id, project.masks.load(val[0]))  # what is counted anew keeps it
    project.predictions.score(1)
    assert project.predictions.manners(1) == manners
    with project.transaction("predictions") as connection:
        connection.execute("UPDATE prediction SET way = NULL")
    assert set(project.predictions.manners(1).values()) == {"plain"}  # as an earlier version left it
    project.predictions.find_manners(1, list(project.samples.all()))
    assert project.predictions.manners(1) == manners
    assert project.predictions.current() == shown
    perform(project, "predict", run="1")
    assert set(project.predictions.manners(1).values()) == {"plain"}


def test_what_two_runs_predict_in_different_manners_is_not_compared(project):
    perform(project, "predict", run="1")
    second = perform(project, "train", **TINY, epochs=1, seed=9)
    perform(project, "predict", run=str(second["run"]))
    table = project.samples.revealed()
    assert np.isfinite(table.iou_before).all()
    assert np.isfinite(table.change).all()
    perform(project, "predict", run=str(second["run"]), flips="all", filter="split:test")
    table = project.samples.revealed()
    of_test = table.split == SPLITS.index(Split.TEST)
    assert np.isnan(table.iou_before[of_test]).all()
    assert np.isnan(table.change[of_test]).all()
    assert np.isfinite(table.iou_before[~of_test]).all()
    perform(project, "predict", run="1")


def test_where_there_is_no_mask_the_work_is_what_is_probably_wrong(project):
    perform(project, "predict", run="1")
    table = project.samples.revealed()
    assert np.isfinite(table.expected).all()
    assert ((table.expected >= 0) & (table.expected <= 0.5)).all()
    np.testing.assert_array_equal(table.work, table.wrong)
    # The validation images themselves: what was counted on them comes out on average.
    validates = table.split == SPLITS.index(Split.VAL)
    assert table.expected[validates].mean() == pytest.approx(table.wrong[validates].mean(), abs=0.05)
    with project.transaction("predictions") as connection:
        connection.execute("UPDATE prediction SET fp = NULL WHERE run_id = 1 AND sample_id = 2")
    table = project.samples.table()
    assert table.work[1] == table.expected[1]
    level = project.predictions.level(1)
    project.predictions.set_threshold(1, 0.9)
    assert (project.samples.table().expected != table.expected).any()
    project.predictions.set_threshold(1, (level - 0.5) / 255)


def test_a_damaged_image_is_noted_and_the_others_are_predicted(tmp_path, project):
    image = project.source / "images" / "sample_07.png"
    whole = image.read_bytes()
    name = damage(project, 7)
    report = ListReporter()
    try:
        assert perform(project, "predict", report, run="1")["samples"] == 7
    finally:
        image.write_bytes(whole)
    assert [subject for subject, _ in report.notes] == [name]


def test_a_cancelled_prediction_keeps_what_is_done_and_its_figures(project):
    class CancelAtTwo(ListReporter):
        def progress(self, done, total, text=""):
            self.is_cancel_wanted = text.startswith("2 of")
            super().progress(done, total, text)

    project.predictions.set_current(None)
    with pytest.raises(Cancelled):
        perform(project, "predict", CancelAtTwo(), run="1")
    assert project.predictions.current() is None


def test_a_large_image_tells_how_far_it_is_and_is_stopped_in_its_middle(project):
    class StopInTiles(ListReporter):
        def progress(self, done, total, text=""):
            self.is_cancel_wanted = "in tiles" in text
            super().progress(done, total, text)

    one = project.samples.get(1)
    heard = ListReporter()
    perform(project, "predict", heard, run="1", tiling="full", samples=[1])
    within = [done for done, _, text in heard.progresses if "in tiles" in text]
    assert len(within) >= 2
    assert within == sorted(within)
    assert within[-1] < 0.9, "the image is done when it is stored"
    project.predictions.path(1, one).unlink()
    with pytest.raises(Cancelled):
        perform(project, "predict", StopInTiles(), run="1", tiling="full", samples=[1])
    assert not project.predictions.has(1, one)
    perform(project, "predict", run="1")


def test_an_unknown_run_or_filter_is_the_users_fault(project):
    for values in ({"run": "99"}, {"filter": "colour:red"}, {"samples": ["images/none.png"]}):
        with pytest.raises(UserError):
            perform(project, "predict", **values)
