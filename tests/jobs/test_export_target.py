"""Where an exported model may be written: over an earlier export, and over nothing else."""

import json
import zipfile
from importlib.util import find_spec

import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.exporting import EXPORTERS
from segstudio.jobs import JOBS
from segstudio.jobs.export_model import _put_in_place
from tests.jobs.projects import make_project

FREE = "no trained model"
"""What is said next, in a project without runs."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("target")) as made:
        yield made


def refusal(project, to, kind):
    job = JOBS["export-model"].from_values({"to": str(to), "format": kind})
    with pytest.raises(UserError) as caught:
        job.perform(project.folder, ListReporter())
    return caught.value


def exported(folder):
    """What a SavedModel and its companions look like."""
    for name in ("variables/variables.index", "variables/variables.data-00000-of-00001", "assets.extra/network.json",
                 "saved_model.pb", "fingerprint.pb", "model.json", "predict.py", "finetune.py"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x", encoding="utf-8")
    (folder / "assets").mkdir()
    (folder / "assets.extra" / "segstudio.json").write_text("{}", encoding="utf-8")
    return folder


def test_an_earlier_export_and_an_empty_folder_are_replaced(project, tmp_path):
    (tmp_path / "empty").mkdir()
    for to in (exported(tmp_path / "model"), tmp_path / "empty", tmp_path / "new"):
        assert FREE in str(refusal(project, to, "savedmodel"))


@pytest.mark.parametrize("name", ["thesis.docx", "model.onnx", "predict_mine.py", "assets/words.txt", "variables/x"])
def test_a_folder_with_anything_else_in_it_is_refused(project, tmp_path, name):
    to = exported(tmp_path / "model")
    (to / name).write_text("mine", encoding="utf-8")
    error = refusal(project, to, "savedmodel")
    assert "exists already" in str(error)
    assert name in str(error)
    assert "whole folder would be replaced" in error.hint
    made = exported(tmp_path / "made")
    with pytest.raises(UserError, match="exists already"):
        _put_in_place(made, to, EXPORTERS["savedmodel"]())
    assert (to / name).read_text(encoding="utf-8") == "mine"


def test_the_saved_model_of_another_program_is_refused(project, tmp_path):
    (tmp_path / "saved_model.pb").write_text("x", encoding="utf-8")
    assert "no TensorFlow SavedModel that SegStudio has exported" in str(refusal(project, tmp_path, "savedmodel"))


@pytest.mark.parametrize("kind", ["keras", "tflite", "onnx"])
def test_a_file_that_is_no_export_is_refused(project, tmp_path, kind):
    if not all(map(find_spec, EXPORTERS[kind].modules)):
        pytest.skip("its packages are not installed")
    to = tmp_path / f"mine{EXPORTERS[kind].suffix}"
    for content in (b"mine", b""):
        to.write_bytes(content)
        error = refusal(project, to, kind)
        assert "exists already" in str(error)
        assert error.hint
        assert to.read_bytes() == content
    to.unlink()
    to.mkdir()
    assert "exists already" in str(refusal(project, to, kind))


@pytest.mark.parametrize("kind", ["keras", "tflite"])
def test_a_file_that_is_an_export_is_replaced(project, tmp_path, kind):
    to = tmp_path / f"model{EXPORTERS[kind].suffix}"
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("segstudio.json", json.dumps({"run": {}}))
    assert FREE in str(refusal(project, to, kind))
