"""Projects: made, opened, looked over, mended."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from segstudio.cli.command import add_project, command, given, perform, performed, show
from segstudio.cli.words import figure, say_pairs, say_table, tell
from segstudio.core.errors import UserError
from segstudio.volumes import Slicing


@command("open", "open the window on a project, a dataset folder or an archive")
def _declare_open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", help="project, dataset folder, .zip archive or volume")
    parser.add_argument("--sample", metavar="IMAGE", help="the image to begin with; the last one when not given")
    parser.set_defaults(command=_open)


def _open(args: argparse.Namespace) -> int:
    from segstudio.ui import app

    return app.main(args.path, sample=args.sample)


@command("new", "make a project from a folder or archive of images and masks, or from volumes")
def _declare_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="the folder to make")
    parser.add_argument(
        "--from", dest="source", required=True, metavar="PATH",
        help="dataset folder, .zip archive, or one volume (NIfTI, MGH, DICOM of several frames, TIFF of several pages)",
    )  # fmt: skip
    parser.add_argument("--images", metavar="DIR", help="folder of the images, below PATH")
    parser.add_argument(
        "--masks", metavar="DIR", help="folder of the masks, below PATH; file of a single volume's mask"
    )
    parser.add_argument(
        "--split",
        metavar="70/15/15",
        help="shares of train/val/test; 70/30 is train/val; folders: as the dataset's folders train, val, test say",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the split")
    parser.add_argument("--group-by", metavar="REGEX", help="images whose path gives the same match stay together")
    parser.add_argument(
        "--foreground", metavar="VALUES", help="which mask values are foreground: 1,2 or #fa3253 or 250,50,83"
    )
    for name, metavar in (("window", "NAME|CENTRE/WIDTH"), ("plane", "PLANE"), ("channel", "N")):
        field = Slicing.model_fields[name]
        parser.add_argument(f"--{name}", metavar=metavar, help=f"of volumes: {field.description}")
    parser.set_defaults(command=_new)


def _new(args: argparse.Namespace) -> int:
    names = ("source", "images", "masks", "split", "seed", "group_by", "foreground", *Slicing.model_fields)
    return perform("new", given(args, *names), args, _say_new)


def _say_new(result: dict[str, Any]) -> None:
    tell(
        f"{result['pairs']} pairs of image and mask ({result['empty']} masks empty, {result['full']} full), "
        f"{result['without_mask']} images without a mask"
    )
    for one in result["volumes"]:
        window = "" if one["window"] is None else f", seen from {one['window'][0]:g} to {one['window'][1]:g}"
        plane = "" if one["plane"] == "auto" else f"{one['plane']} "
        tell(f"  {one['volume']}: {one['slices']} {plane}slices{window}")
    for note in result["notes"]:
        tell(f"  {note['path']}: {note['reason']}")


@command("info", "say what a project holds")
def _declare_info(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.set_defaults(command=_info)


def _info(args: argparse.Namespace) -> int:
    return perform("info", {}, args, say_pairs)


@command("undo", "take the last act back: a verdict, a change of split, a bulk accept, a deleted run")
def _declare_undo(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--redo", action="store_true", help="do the act again that was undone last")
    parser.add_argument("--list", action="store_true", help="only list the acts, the newest first")
    parser.set_defaults(command=_undo)


def _undo(args: argparse.Namespace) -> int:
    return perform("undo", {"redo": args.redo, "list": args.list}, args, _say_acts)


def _say_acts(result: dict[str, Any]) -> None:
    if (act := result["act"]) is None:
        say_table([{"when": one["created"], "act": one["title"], "undone": one["is_undone"]} for one in result["acts"]])
        return
    tell(f"{'undone' if act['is_undone'] else 'done again'}: {act['title']}")
    if result["left"]:
        tell(f"{result['left']} had been changed since and stay as they are")


@command("check", "verify every file of a project against its index")
def _declare_check(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--thorough", action="store_true", help="decode every image, instead of its header alone")
    parser.add_argument("--rebuild", action="store_true", help="make the index anew from the files first")
    parser.add_argument("--source", metavar="DIR", help="where the dataset lies now, when its folder was moved")
    parser.set_defaults(command=_check)


def _check(args: argparse.Namespace) -> int:
    result = performed("check", given(args, "thorough", "rebuild", "source"), args)
    show(result, args, say_pairs)
    if not result["ok"]:
        count = sum(finding["severity"] != "mended" for finding in result["findings"])
        raise UserError(
            f"{count} things in {args.project} are not as they should be", "they are listed above; --json has all"
        )
    return 0


@command("demo", "make a sample project of generated pictures, train on it and show it")
def _declare_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-window", action="store_true", help="end with screenshots and a report instead")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder to make; a temporary one when not given")
    parser.add_argument("--count", type=int, metavar="N", help="pictures of each kind")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of training")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the pictures and of the training")
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    args.project = (args.to or Path(tempfile.mkdtemp(prefix="segstudio-demo-"))).absolute()
    result = performed("demo", given(args, "count", "epochs", "seed"), args)
    projects = [Path(one["project"]) for one in result["projects"]]
    if args.no_window:
        result["screenshots"] = _screenshots(projects, args.project)
    show(result, args, _say_demo)
    if args.no_window:
        return 0
    # A process of its own: this one has loaded TensorFlow, and the window's never does.
    worst = result["projects"][0]["worst"]
    return subprocess.call([sys.executable, "-m", "segstudio", "open", str(projects[0]), "--sample", worst])


def _screenshots(projects: list[Path], folder: Path) -> list[str]:
    """Pictures of the window on each project, made by a process of their own: TensorFlow lives in this one."""
    arguments = [str(folder / "screenshots"), *map(str, projects)]
    # Without a display Qt draws into memory.
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "segstudio.ui.screenshots", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise UserError("the screenshots could not be made", done.stderr.strip()[-2000:])
    return done.stdout.splitlines()


def _say_demo(result: dict[str, Any]) -> None:
    for one in result["projects"]:
        test = one["evaluation"]
        tell(f"{one['title']}: {one['project']}")
        tell(f"  test split: Dice {figure(test['dice'])}, IoU {figure(test['iou'])}, {test['images']} images")
        tell(f"  report: {one['report']}")
    for path in result.get("screenshots", []):
        tell(f"screenshot: {path}")


@command("doctor", "say what this machine has: Qt, TensorFlow, GPU, weights")
def _declare_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    args.project = Path.cwd()
    return perform("doctor", {}, args, say_pairs)
