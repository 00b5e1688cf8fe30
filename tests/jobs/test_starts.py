"""Take it with you, and back: an exported model is trained further in SegStudio, in plain Keras, and here again."""

import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.jobs.starts import digest_of, names_file, of_file
from tests.jobs.projects import TINY, make_project

WITHOUT_SEGSTUDIO = "import sys; sys.modules['segstudio'] = None\n"


@pytest.mark.parametrize(
    ("word", "is_file"),
    [("best", False), ("7", False), ("scratch", False), ("model.keras", True), ("out/model", True), ("worst", False)],
)
def test_a_path_is_told_from_a_word(word, is_file):
    assert names_file(word) is is_file


def test_what_is_no_model_is_refused_in_words(tmp_path):
    with make_project(tmp_path) as project:
        (tmp_path / "text.keras").write_text("not a model", encoding="utf-8")
        for path, said in (
            ("none.keras", "no model file"),
            ("text.keras", "no Keras file"),
            ("dataset", "no SavedModel"),
        ):
            with pytest.raises(UserError, match=said):
                JOBS["train"].from_values({"start": str(tmp_path / path)}).perform(project.folder, ListReporter())
        with pytest.raises(UserError, match="there is no start 'worst'"):
            JOBS["train"].from_values({"start": "worst"})
        assert project.runs.list() == []


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A trained run, exported as a .keras file and as a SavedModel; by format."""
    folder = tmp_path_factory.mktemp("exported")
    with make_project(folder) as project:
        JOBS["train"].from_values({**TINY, "epochs": 1}).perform(project.folder, ListReporter())
        paths = {"keras": folder / "model.keras", "savedmodel": folder / "saved"}
        for name, path in paths.items():
            values = {"format": name, "to": str(path), "samples": 1}
            JOBS["export-model"].from_values(values).perform(project.folder, ListReporter())
        yield paths | {"run": project.runs.get(1).best_weights}


@pytest.fixture
def another(tmp_path):
    """A project that knows nothing of the run."""
    with make_project(tmp_path) as project:
        yield project


def weights(path):
    from segstudio.ml.network import load_network

    return load_network(path, "float32").get_weights()


@pytest.mark.training
@pytest.mark.parametrize("form", ["keras", "savedmodel", "run"])
def test_an_exported_model_is_fine_tuned_here(exported, another, form):
    path = exported[form]
    for mine, theirs in zip(weights(path), weights(exported["run"]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    report = ListReporter()
    values = {"start": str(path), "epochs": 1, "learning_rate": 1e-4}
    result = JOBS["train"].from_values(values).perform(another.folder, report)
    run = another.runs.get(result["run"])
    assert (run.model, run.start, run.preset) == ("conv-unet", str(path), "conv-unet-fast")
    assert {name: run.options[name] for name in ("size", "filters", "depth")} == {"size": 32, "filters": 4, "depth": 1}
    assert run.options["start_digest"] == digest_of(path)
    about = tomllib.loads((run.folder / "options.toml").read_text(encoding="utf-8"))
    assert digest_of(path) in about["reasons"]["start"]
    assert result["baseline"]["val_loss"] > 0, "it was measured before a step was done"
    tuned = weights(run.last_weights)
    assert any((mine != theirs).any() for mine, theirs in zip(tuned, weights(path), strict=True))
    with pytest.raises(UserError, match="another file than the digest"):
        JOBS["train"].from_values({**values, "start_digest": "0" * 64}).perform(another.folder, report)


@pytest.mark.training
def test_it_is_fine_tuned_in_plain_keras_and_comes_back(exported, another, tmp_path):
    """In a process that cannot import SegStudio. What Keras saves carries no card: the preset says what it is."""
    tuned = tmp_path / "tuned.keras"
    code = (
        WITHOUT_SEGSTUDIO
        + f"""
import keras, numpy as np
model = keras.saving.load_model({str(exported["keras"])!r})
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
before = [one.copy() for one in model.get_weights()]
images = np.random.default_rng(0).integers(0, 256, (4, 40, 56, model.input_shape[-1]), dtype=np.uint8)
losses = [model.fit(images, images[..., :1] > 127, verbose=0, shuffle=False).history["loss"][0] for _ in range(3)]
assert losses[-1] < losses[0], losses
assert any((a != b).any() for a, b in zip(before, model.get_weights()))
model.save({str(tuned)!r})
"""
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert of_file(tuned).model == ""
    with pytest.raises(UserError, match=r"nothing tells which network tuned\.keras is"):
        JOBS["train"].from_values({"start": str(tuned)}).perform(another.folder, ListReporter())
    wrong = {**TINY, "start": str(tuned), "filters": 8, "epochs": 1}
    with pytest.raises(UserError, match=r"the network of tuned\.keras is another one"):
        JOBS["train"].from_values(wrong).perform(another.folder, ListReporter())
    values = {**TINY, "start": str(tuned), "epochs": 1, "learning_rate": 1e-9}
    result = JOBS["train"].from_values(values).perform(another.folder, ListReporter())
    trained = another.runs.get(result["run"]).last_weights
    kernels = [one for one in weights(trained) if one.ndim == 4]  # statistics of normalization move at any rate
    for mine, theirs in zip(kernels, (one for one in weights(tuned) if one.ndim == 4), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.training
@pytest.mark.parametrize("form", ["keras", "savedmodel"])
def test_the_script_beside_it_trains_it_on_in_plain_keras_and_it_comes_back(exported, another, tmp_path, form):
    """In a process that cannot import SegStudio, with Adam; SegStudio then knows by its card what it is.

    Keras's own TFSMLayer predicts with the folder too, but most optimizers of Keras 3.15 refuse the names of its
    variables: so finetune.py has the network again from its description and its weights.
    """
    folder = exported[form] if form == "savedmodel" else exported[form].parent
    script, data = folder / "finetune.py", another.source
    code = WITHOUT_SEGSTUDIO + (
        f"import runpy; sys.argv = [{str(script)!r}, {str(data / 'images')!r}, {str(data / 'masks')!r}, '3']\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    losses = [float(found) for found in re.findall(r"loss: ([0-9.]+)\n", done.stdout.replace("\x08", ""))]
    assert "Epoch 3/3" in done.stdout
    assert losses[-1] < losses[0]
    tuned = tmp_path / "tuned.keras"
    assert of_file(tuned).model == "conv-unet"
    changed = [(one != other).any() for one, other in zip(weights(tuned), weights(exported["run"]), strict=True)]
    assert any(changed)
    result = JOBS["train"].from_values({"start": str(tuned), "epochs": 1}).perform(another.folder, ListReporter())
    assert result["baseline"]["val_loss"] > 0
    assert another.runs.get(result["run"]).model == "conv-unet"
