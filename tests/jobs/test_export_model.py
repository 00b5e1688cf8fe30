import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.threshold import level_of
from segstudio.exporting import EXPORTERS
from segstudio.exporting.keras_file import KerasFile
from segstudio.jobs import JOBS
from tests.jobs.projects import TINY, make_project

pytestmark = pytest.mark.training

FORMATS = EXPORTERS.names()
THRESHOLD = 0.3
LEVEL = level_of(THRESHOLD)


def export(project, report=None, **values):
    return JOBS["export-model"].from_values(values).perform(project.folder, report or ListReporter())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("export"), size=(70, 45)) as made:
        JOBS["train"].from_values({**TINY, "epochs": 1}).perform(made.folder, ListReporter())
        JOBS["predict"].from_values({}).perform(made.folder, ListReporter())
        made.predictions.set_threshold(1, THRESHOLD)
        JOBS["evaluate"].from_values({}).perform(made.folder, ListReporter())
        yield made


@pytest.fixture(scope="module", params=FORMATS)
def result(request, project, tmp_path_factory):
    return export(project, format=request.param, to=str(tmp_path_factory.mktemp("out") / "sub" / "folder"), samples=3)


def test_the_file_predicts_what_the_network_does_and_the_result_says_how_exactly(result):
    check = result["check"]
    assert check["images"] == 3
    assert check["network_difference"] <= 1e-4
    assert result["max_difference"] == check["max_difference"] <= 0.02
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_metadata_says_all_that_its_user_must_know(result, project):
    metadata = json.loads(Path(result["metadata"]).read_text(encoding="utf-8"))
    assert metadata["threshold"] == THRESHOLD
    assert ">= 0.3\n" in Path(result["script"]).read_text(encoding="utf-8")
    assert (metadata["network"]["height"], metadata["network"]["channels"]) == (32, metadata["input"]["channels"])
    assert metadata["network"]["precision"] == "float32"
    assert metadata["run"]["run"] == result["run"] == 1
    assert metadata["run"]["options"]["filters"] == 4
    manifest = project.runs.get(1).manifest.read_bytes()
    assert metadata["dataset"] == {"train": 5, "val": 2, "manifest_sha256": hashlib.sha256(manifest).hexdigest()}
    assert (metadata["test"]["images"], metadata["test"]["way"]["words"]) == (1, "whole image")
    assert metadata["versions"]["keras"]
    assert metadata.pop("check") == result["check"]
    exporter = EXPORTERS[result["format"]]()
    assert json.loads(json.dumps(exporter.read_metadata(exporter.file_in(Path(result["path"]))))) == metadata


def test_the_script_beside_it_predicts_without_segstudio(result, project, tmp_path):
    text = Path(result["script"]).read_text(encoding="utf-8")
    assert "segstudio" not in text
    code = [line for line in text.splitlines() if line and not line.startswith(('"""', "import", "from", "try"))]
    assert len(code) <= 15
    sample = next(iter(project.samples.all()))
    image, mask = project.source / sample.image, tmp_path / "mask.png"
    command = [
        sys.executable,
        "-W",
        "error",
        "-W",
        "ignore::DeprecationWarning",
        result["script"],
        str(image),
        str(mask),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "% is foreground" in done.stdout
    found = np.asarray(Image.open(mask)) == 255
    stored = project.predictions.load(1, sample)
    clear = np.abs(stored.astype(int) - LEVEL) > 6  # the stored one was computed in the precision of this machine
    assert found.shape == stored.shape
    assert (found == (stored >= LEVEL))[clear].all()


def test_a_second_format_in_the_same_folder_replaces_nothing(project, tmp_path):
    first = export(project, to=str(tmp_path / "lens.keras"), samples=1)
    second = export(project, to=str(tmp_path / "lens.tflite"), samples=1)
    assert (first["format"], second["format"]) == ("keras", "tflite")
    names = {"lens.keras", "lens.tflite", "lens.keras.json", "lens.tflite.json", "predict.py", "predict_lens_tflite.py",
             "finetune.py"}  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == names
    again = export(project, to=str(tmp_path / "lens.tflite"), samples=1)
    assert again["script"] == second["script"]
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_file_that_predicts_otherwise_is_refused_and_nothing_is_left(project, tmp_path, monkeypatch):
    whole = KerasFile.write

    def spoilt(self, model, path, metadata):
        weights = model.get_weights()
        model.set_weights([weight + 0.1 for weight in weights])
        whole(self, model, path, metadata)

    monkeypatch.setattr(KerasFile, "write", spoilt)
    with pytest.raises(UserError, match="does not predict what the network does"):
        export(project, to=str(tmp_path / "out" / "model.keras"), samples=1)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "wants a file or a folder"),
        ({"to": "{out}/x", "format": "torch"}, "no export format called"),
        ({"to": "{out}/x.onnx", "format": "keras"}, "no name for Keras"),
        ({"to": "{out}/x", "run": "9"}, "no run 0009"),
        ({"to": "{project}/x"}, "lies in the project"),
        ({"to": "{source}/x"}, "lies in the dataset"),
        ({"to": "{out}/full", "format": "savedmodel"}, "exists already"),
    ],
)
def test_what_cannot_be_is_said(project, tmp_path, values, said):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    places = {"out": tmp_path, "project": project.folder, "source": project.source}
    with pytest.raises(UserError, match=said):
        export(project, **{name: value.format(**places) for name, value in values.items()})
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_missing_package_is_said_with_its_extra(project, tmp_path, monkeypatch):
    monkeypatch.setattr(EXPORTERS["onnx"], "modules", ("no_such_package",))
    with pytest.raises(UserError, match="no_such_package") as caught:
        export(project, to=str(tmp_path / "model.onnx"))
    assert "segstudio[onnx]" in caught.value.hint


def test_from_the_command_line(project, tmp_path):
    to = tmp_path / "model.tflite"
    command = [sys.executable, "-m", "segstudio", "export", "model", str(project.folder), "--to", str(to), "--json"]
    done = subprocess.run([*command, "--run", "1"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["path"] == str(to)
    assert to.is_file()
