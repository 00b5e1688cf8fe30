"""A training lets the list know which masks it never learnt, of the revisions that it learnt from."""

import numpy as np
import pytest

from segstudio.core.loss_table import NAME, LossTable
from segstudio.core.manifest import ManifestRow, save_manifest
from segstudio.core.reporter import ListReporter
from segstudio.jobs.suspecting import suspect_by_losses
from segstudio.project.suspicions import reasons
from tests.jobs.projects import make_project


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, "t" * 10 + "vve") as made:
        yield made


def test_what_was_never_learnt_is_suspected_and_what_is_another_mask_by_now_is_not(project):
    run = project.runs.create("a", "b", {}, "scratch")
    ids = np.array([one.id for one in project.samples.all() if one.split == "train"], np.int64)
    rng = np.random.default_rng(0)
    losses = np.exp(rng.normal(-2, 0.1, (9, 10))).astype(np.float32)
    losses[:, [3, 7]] = 1.5
    LossTable(ids, losses).save(run.folder / NAME)
    save_manifest([ManifestRow(int(one), "x", "train", 0, "", "") for one in ids], run.manifest)
    project.masks.save(int(ids[7]), np.ones_like(project.masks.load(project.samples.get(int(ids[7])))))
    report = ListReporter()
    assert suspect_by_losses(project, run, report) == 1
    assert any("1 masks look wrong" in line for line in report.lines)
    table = project.samples.table()
    assert list(table.id[table.suspicion > 0.5]) == [ids[3]]
    assert reasons(project, int(ids[3]))[0].endswith(f"epochs of run {run.name}")


def test_a_run_without_losses_or_with_damaged_ones_suspects_nobody(project):
    run = project.runs.create("a", "b", {}, "scratch")
    assert suspect_by_losses(project, run, ListReporter()) == 0
    (run.folder / NAME).write_bytes(b"no table")
    report = ListReporter()
    assert suspect_by_losses(project, run, report) == 0
    assert "no mask is suspected" in report.lines[0]
    assert np.isnan(project.samples.table().suspicion).all()
