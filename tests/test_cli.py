"""The command line as scripts use it: exit status, one JSON object, words on standard error."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segstudio.cli import COMMANDS, main
from tests.datasets import ct, make_dataset, nifti


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 14 small pairs, made by the command."""
    folder = tmp_path_factory.mktemp("cli")
    dataset = make_dataset(folder / "dataset", 14)
    assert main(["new", str(folder / "project"), "--from", str(dataset), "--json"]) == 0
    return folder / "project"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    """Runs a command with --json and gives its one object."""

    def run(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert main([*map(str, arguments), "--json"]) == 0
        printed = capsys.readouterr().out
        assert printed.count("\n") == 1
        return json.loads(printed)

    return run


def test_new_says_what_was_found(tmp_path, call):
    dataset = make_dataset(tmp_path / "dataset", 5)
    (dataset / "masks" / "sample_03.png").unlink()
    made = call("new", tmp_path / "project", "--from", dataset)
    assert (made["pairs"], made["without_mask"], made["empty"], made["full"]) == (4, 1, 0, 0)
    assert isinstance(made["notes"], list)


def test_new_takes_a_volume_and_a_window_that_begins_with_a_minus(tmp_path, call):
    source = nifti(tmp_path / "ct.nii.gz", ct(5)[0])
    made = call("new", tmp_path / "project", "--from", source, "--window", "-600/1500", "--plane", "axial")
    assert [(one["slices"], one["window"]) for one in made["volumes"]] == [(5, [-1350, 150])]


def test_info_list_and_runs(project, call):
    info = call("info", project)
    assert info["samples"] == 14
    assert sum(info["splits"].values()) == 14
    listed = call("list", project, "--filter", "split:train")["samples"]
    assert listed == call("list", project, "--filter", "-split:val,test")["samples"], "a minus there is no option"
    assert len(listed) == info["splits"]["train"]
    assert {"sample", "image", "state", "split", "iou", "dice"} <= set(listed[0])
    assert call("runs", project) == {
        "runs": [], "current_run": None, "champion": None, "can_roll_back": False, "test_looks": 0,
    }  # fmt: skip
    assert call("check", project)["ok"]


def test_augment_and_recipes(project, call, capsys):
    made = call("augment", project, "--recipe", "chest-xray", "--copies", 2, "--seed", 5)
    train = call("info", project)["splits"]["train"]
    assert (made["recipe"], made["written"], made["kept"], made["rejected"]) == ("chest-xray", 2 * train, 0, 0)
    assert len(list(Path(made["folder"], "images").rglob("*.png"))) == 2 * train
    assert call("augment", project, "--recipe", "chest-xray", "--copies", 2, "--seed", 5)["kept"] == 2 * train
    rows = {row["recipe"]: row for row in call("recipes", project)["recipes"]}
    assert rows["chest-xray"]["copies"] == 2 * train
    assert main(["recipes", str(project)]) == 0
    assert "Rotate, RandomBrightnessContrast" in capsys.readouterr().out
    assert call("recipes", project, "--check", "chest-xray")["warnings"] == 1
    assert main(["recipes", str(project), "--check", "chest-xray"]) == 0
    assert "warning: HorizontalFlip: Left becomes right" in capsys.readouterr().out
    first, *others = (row["name"] for row in call("copies", project, "--recipe", "chest-xray")["copies"])
    changed = call("copies", project, "--recipe", "chest-xray", "--reject", first, others[-1][:-1] + "*")
    assert set(changed["rejected"]) >= {first, others[-1]}
    assert changed["usable"] == 2 * train - len(changed["rejected"])
    assert call("copies", project, "--recipe", "chest-xray", "--restore", "*")["restored"] == changed["rejected"]
    assert main(["copies", str(project), "--recipe", "chest-xray", "--reject", first, "none*"]) == 1
    assert "no copy by chest-xray is called none*" in capsys.readouterr().err
    assert call("copies", project, "--recipe", "chest-xray")["usable"] == 2 * train, "nothing was changed"
    assert call("copies", project, "--recipe", "chest-xray", "--delete")["deleted"] == 2 * train
    assert not Path(made["folder"]).exists()
    assert main(["copies", str(project), "--recipe", "chest-xray", "--delete"]) == 1
    assert "no copies by chest-xray" in capsys.readouterr().err
    assert main(["augment", str(project), "--recipe", "flip", "--filter", "split:val"]) == 1
    assert "only training samples" in capsys.readouterr().err


def test_a_wrong_world_is_one_line_and_a_hint(tmp_path, capsys):
    assert main(["info", str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    make_dataset(tmp_path / "dataset")
    assert main(["list", str(tmp_path), "--filter", "iou<"]) == 1


def test_what_the_system_refuses_has_no_traceback(project, tmp_path, capsys):
    for arguments in (["info", "x" * 300], ["new", str(tmp_path / ("x" * 300)), "--from", str(project.parent)]):
        assert main(arguments) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.splitlines()[-1]) == ("", "hint: choose a shorter name")
        assert said.err.splitlines()[-2].startswith("error: ")
    with pytest.raises(SystemExit):  # it is no path: the word is taken for a command
        main(["x" * 300])


def test_check_fails_when_something_is_wrong(tmp_path, capsys):
    dataset = make_dataset(tmp_path / "dataset", 5)
    assert main(["new", str(tmp_path / "project"), "--from", str(dataset)]) == 0
    (dataset / "images" / "sample_02.png").unlink()
    capsys.readouterr()
    assert main(["check", str(tmp_path / "project"), "--json"]) == 1
    said = capsys.readouterr()
    assert any("sample_02" in finding["path"] for finding in json.loads(said.out)["findings"])
    assert said.err.splitlines()[-2].startswith("error: ")


@pytest.mark.parametrize("arguments", [["new"], ["train"], ["no-such-command"], ["evaluate", "P", "--split", "all"]])
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as error:
        main([name, "--help"])
    assert error.value.code == 0
    assert "usage: segstudio" in capsys.readouterr().out


def test_bad_option_names_the_good_ones(project, capsys):
    assert main(["train", str(project), "--set", "epoch=3"]) == 1
    said = capsys.readouterr().err
    assert "epoch" in said
    assert "epochs" in said
    assert main(["train", str(project), "--preset", "conv-unet-fats"]) == 1
    assert "conv-unet-fast" in capsys.readouterr().err


@pytest.mark.training
def test_train_predict_evaluate_export(project, call, tmp_path):
    small = [
        "--preset",
        "conv-unet-fast",
        "--epochs",
        "2",
        "--set",
        "size=32",
        "--set",
        "filters=4",
        "--set",
        "depth=2",
    ]
    trained = call("train", project, *small)
    assert trained["epochs"] == 2
    assert set(trained["best"]) >= {"epoch", "val_iou", "val_loss"}
    assert Path(trained["model"]).is_file()
    call("predict", project)
    measured = call("evaluate", project)
    expected = {"run", "split", "images", "accuracy", "binary_iou", "iou", "dice", "precision", "recall", "per_image"}
    assert expected <= set(measured)
    assert measured["run"] == trained["run"]
    assert measured["split"] == "test"
    assert len(measured["per_image"]) == measured["images"]
    assert {"sample", "image", "iou", "dice"} <= set(measured["per_image"][0])
    listed = {row["sample"]: row for row in call("list", project)["samples"]}
    assert all(listed[row["sample"]]["iou"] == pytest.approx(row["iou"], abs=1e-5) for row in measured["per_image"])
    assert len(call("runs", project)["runs"]) == 1
    exported = call("export", "masks", project, "--to", tmp_path / "masks")
    assert len(list((tmp_path / "masks").rglob("*.png"))) == 14, exported
    report = call("export", "report", project, "--to", tmp_path / "report.html")
    page = Path(report["path"]).read_text(encoding="utf-8")
    assert page.count("data:image/png") >= 8
    assert "<polyline" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "the report must be self-contained"


def test_as_a_process_json_is_alone_on_standard_output(project):
    command = [sys.executable, "-m", "segstudio", "list", str(project), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["samples"]) == 14


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_json_can_be_read_whatever_the_encoding_of_the_terminal(tmp_path, encoding):
    folder = make_dataset(tmp_path / "é Проект 😀", 2)
    done = subprocess.run(
        [sys.executable, "-m", "segstudio", "new", str(tmp_path / "p"), "--from", str(folder), "--json"],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["pairs"] == 2
    command = [sys.executable, "-m", "segstudio", "info", str(tmp_path / "p"), "--json"]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=True)
    assert json.loads(done.stdout)["source"] == str(folder)


def test_what_c_libraries_print_is_not_in_the_json(project):
    noisy = "import os, sys; from segstudio.jobs import info; run = info.Info.run\n"
    noisy += "info.Info.run = lambda s, p, r: (os.write(1, b'noise'), print('noise'), run(s, p, r))[2]\n"
    noisy += "from segstudio.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", noisy, "info", str(project), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert json.loads(done.stdout)["samples"] == 14
    assert done.stderr.count("noise") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_who_leaves_is_no_error(project):
    command = [sys.executable, "-m", "segstudio", "list", str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


def test_doctor_tries_what_it_says(call):
    found = call("doctor")
    assert found["qt"]["offscreen"] == "offscreen"
    assert found["tensorflow"]["works"]
    assert found["problems"] == []
