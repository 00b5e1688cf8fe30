"""The command line: every job without a window, and the door to the window.

`--json` prints exactly one JSON object on standard output; progress and logs go to standard error. Exit status 0 is
done, 1 is `error: ...` (and `hint: ...`) on standard error, 2 is wrong usage.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from segstudio import __version__
from segstudio.core.errors import UserError, of_system
from segstudio.core.options import parse_assignments
from segstudio.core.reporter import Cancelled

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for stream in (sys.stdout, sys.stderr):
        # File names may hold what the terminal's encoding has no letter for; that must not end a batch.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    args = parser.parse_args(_with_open(arguments))
    try:
        command: Command = args.command
        status = command(args)
        sys.stdout.flush()
        return status
    except UserError as error:
        return _fail(error)
    except (Cancelled, KeyboardInterrupt):
        return _fail(UserError("cancelled"))
    except BrokenPipeError:
        # Somebody read the first lines and left (`| head`); that is no error, but Python must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if (said := of_system(error)) is None:
            raise
        return _fail(said)


def _fail(error: UserError) -> int:
    print(f"error: {error.message}", file=sys.stderr)  # noqa: T201
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
    return 1


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {}


def _command(name: str, help_text: str) -> Callable[[Callable[[argparse.ArgumentParser], None]], None]:
    """Registers the function that declares the arguments of a command."""

    def register(declare: Callable[[argparse.ArgumentParser], None]) -> None:
        COMMANDS[name] = (help_text, declare)

    return register


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segstudio", description="Review, correct and retrain binary image segmentation."
    )
    parser.add_argument("--version", action="version", version=f"segstudio {__version__}")
    commands = parser.add_subparsers(dest="name", metavar="COMMAND", required=True)
    for name, (help_text, declare) in COMMANDS.items():
        one = commands.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".")
        declare(one)
        if name != "open":
            one.add_argument("--json", action="store_true", help="print exactly one JSON object on standard output")
    return parser


def _with_open(arguments: list[str]) -> list[str]:
    """`segstudio` and `segstudio PATH` mean `segstudio open [PATH]`."""
    if not arguments:
        return ["open"]
    if arguments[0] in COMMANDS or arguments[0].startswith("-"):
        return arguments
    return ["open", *arguments] if os.path.exists(arguments[0]) else arguments  # noqa: PTH110 - of any text


# --- the commands, in the order of a project's life -------------------------------------------------------------------


@_command("open", "open the window on a project, a dataset folder or an archive")
def _declare_open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", help="project, dataset folder or .zip archive")
    parser.add_argument("--sample", metavar="IMAGE", help="the image to begin with; the last one when not given")
    parser.set_defaults(command=_open)


def _open(args: argparse.Namespace) -> int:
    from segstudio.ui import app

    return app.main(args.path, sample=args.sample)


@_command("new", "make a project from a folder or archive of images and masks")
def _declare_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="the folder to make")
    parser.add_argument("--from", dest="source", required=True, metavar="PATH", help="dataset folder or .zip archive")
    parser.add_argument("--images", metavar="DIR", help="folder of the images, below PATH")
    parser.add_argument("--masks", metavar="DIR", help="folder of the masks, below PATH")
    parser.add_argument("--split", metavar="70/15/15", help="shares of train/val/test; 70/30 is train/val")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the split")
    parser.add_argument("--group-by", metavar="REGEX", help="images whose path gives the same match stay together")
    parser.add_argument(
        "--foreground", metavar="VALUES", help="which mask values are foreground: 1,2 or #fa3253 or 250,50,83"
    )
    parser.set_defaults(command=_new)


def _new(args: argparse.Namespace) -> int:
    names = ("source", "images", "masks", "split", "seed", "group_by", "foreground")
    return _perform("new", _given(args, *names), args, _say_new)


def _say_new(result: dict[str, Any]) -> None:
    _print(
        f"{result['pairs']} pairs of image and mask ({result['empty']} masks empty, {result['full']} full), "
        f"{result['without_mask']} images without a mask"
    )
    for note in result["notes"]:
        _print(f"  {note['path']}: {note['reason']}")


@_command("info", "say what a project holds")
def _declare_info(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_info)


def _info(args: argparse.Namespace) -> int:
    return _perform("info", {}, args, _say_pairs)


@_command("list", "list samples")
def _declare_list(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--filter", metavar="EXPR", help="for example: state:todo split:test iou<0.8 name:*lens*")
    parser.add_argument(
        "--sort",
        metavar="KEY",
        help="name, iou (worst first), uncertainty, work, suspicion, unseen, changed, lint, dice, state, split",
    )
    parser.set_defaults(command=_list)


def _list(args: argparse.Namespace) -> int:
    return _perform("list", _given(args, "filter", "sort"), args, lambda result: _say_table(result["samples"]))


@_command("recipes", "list the augmentation recipes of a project")
def _declare_recipes(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_recipes)


def _recipes(args: argparse.Namespace) -> int:
    return _perform("recipes", {}, args, _say_recipes)


def _say_recipes(result: dict[str, Any]) -> None:
    _say_table([{**row, "steps": ", ".join(row["steps"])} for row in result["recipes"]])


@_command("augment", "make copies of the training samples by a recipe")
def _declare_augment(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE", help="a recipe's name, or a .json file")
    parser.add_argument("--copies", type=int, metavar="N", help="copies of each sample; 3 when not given")
    parser.add_argument("--filter", metavar="EXPR", help="which training samples; all when not given")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed makes the same copies")
    parser.set_defaults(command=_augment)


def _augment(args: argparse.Namespace) -> int:
    return _perform("augment", _given(args, "recipe", "copies", "filter", "seed"), args, _say_pairs)


@_command("ignore", "take regions that are neither learnt from nor measured, write them, or forget them")
def _declare_ignore(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--from", dest="source", metavar="DIR", help="pictures named as the images; not black: ignored")
    parser.add_argument("--to", metavar="DIR", help="write the regions there, as PNG of 0 and 255")
    parser.add_argument("--clear", action="store_true", default=None, help="ignore nothing any more")
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.set_defaults(command=_ignore)


def _ignore(args: argparse.Namespace) -> int:
    return _perform("ignore", _given(args, "source", "to", "clear", "filter"), args, _say_ignored)


def _say_ignored(result: dict[str, Any]) -> None:
    for name in ("changed", "written"):
        if name in result:
            _print(f"{name}: {result[name]}")
    _say_table([{"image": one["image"], "ignored": f"{one['share']:.2%}"} for one in result["samples"]])
    for note in result["notes"]:
        _print(f"  {note['path']}: {note['reason']}")


@_command("train", "train a network")
def _declare_train(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    _add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, the number of a run, or a model file")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was killed, from its last epoch")
    parser.add_argument(
        "--rebuild", metavar="RUN", help="make a run again from its manifest, and say whether it comes out the same"
    )
    parser.set_defaults(command=_train)


@_command("preflight", "say what would be wrong with a training, and what it would take, before it begins")
def _declare_preflight(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    _add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, the number of a run, or a model file")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--no-step", action="store_true", help="check samples and options alone: no memory and time")
    parser.set_defaults(command=_preflight)


def _preflight(args: argparse.Namespace) -> int:
    values = parse_assignments(args.set) | _given(args, "preset", "epochs", "start", "recipe", "device")
    result = _performed("preflight", values | ({"step": False} if args.no_step else {}), args)
    _show(result, args, _say_preflight)
    if not result["ok"]:
        count = sum(finding["severity"] == "blocks" for finding in result["findings"])
        what = "1 finding stops" if count == 1 else f"{count} findings stop"
        raise UserError(f"{what} this training", "they are listed above; --json has all")
    return 0


def _say_preflight(result: dict[str, Any]) -> None:
    _say_table([{"what": one["option"].replace("_", " "), **_settled(one)} for one in result["decisions"]])
    _print("")
    for finding in result["findings"]:
        _print(f"{finding['severity']:6}  {finding['text']}")
        if finding["help"] and finding["severity"] != "fine":
            _print(f"        {finding['help']}")
        for sample in finding["samples"][:3] if finding["severity"] != "fine" else ():
            _print(f"        {sample}")


def _settled(decision: dict[str, Any]) -> dict[str, str]:
    by = "chosen" if decision["is_automatic"] else ""
    return {"value": decision["value"], "by": by, "reason": decision["reason"]}


def _add_training(parser: argparse.ArgumentParser) -> None:
    _add_preset(parser)
    parser.add_argument("--epochs", type=int, metavar="N", help="how often every sample is seen")


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", metavar="NAME", help="what to train, for example mobilenetv2-unet-fast")
    parser.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE", help="any other option of the preset; repeatable"
    )


def _train(args: argparse.Namespace) -> int:
    names = ("preset", "epochs", "start", "recipe", "device", "resume", "rebuild")
    values = parse_assignments(args.set) | _given(args, *names)
    return _perform("train", values, args, _say_training)


def _say_training(result: dict[str, Any]) -> None:
    _say_pairs({name: value for name, value in result.items() if name not in ("meeting", "verdict", "rebuilt")})
    _print(result["verdict"])


@_command("steer", "pause, stop or change a training that runs, in whatever window or terminal")
def _declare_steer(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="its number; the one that runs when not given")
    course = parser.add_mutually_exclusive_group()
    course.add_argument("--pause", action="store_true", default=None, help="wait before the next step")
    course.add_argument("--resume", action="store_false", dest="pause", help="go on after a pause")
    course.add_argument("--stop", action="store_true", default=None, help="end after this step, keep the best weights")
    parser.add_argument("--learning-rate", type=float, metavar="X", help="from the next step on")
    parser.add_argument("--epochs", type=int, metavar="N", help="how many there shall be in all")
    parser.set_defaults(command=_steer, pause=None)


def _steer(args: argparse.Namespace) -> int:
    return _perform("steer", _given(args, "run", "pause", "stop", "learning_rate", "epochs"), args, _say_pairs)


@_command("find-rate", "try ever larger learning rates for a training and suggest one")
def _declare_find_rate(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    _add_preset(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="rates that are tried, one a batch; 100 when not given")
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, or the number of a run")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_find_rate)


def _find_rate(args: argparse.Namespace) -> int:
    values = parse_assignments(args.set) | _given(args, "preset", "steps", "start", "device")
    return _perform("find-rate", values, args, _say_rate)


def _say_rate(result: dict[str, Any]) -> None:
    _say_table([{name: f"{value:.3g}" for name, value in point.items()} for point in result["curve"][::5]])
    _print(f"suggested: {_figure(result['suggested'])} (the options say {_figure(result['learning_rate'])})")
    _print(result["reason"])


@_command("runs", "list the runs of a project")
def _declare_runs(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--delete", type=int, nargs="+", metavar="RUN", help="delete runs; `undo` brings them back")
    parser.add_argument("--purge", action="store_true", help="remove the files of deleted runs for good")
    parser.set_defaults(command=_runs)


def _runs(args: argparse.Namespace) -> int:
    if args.delete or args.purge:
        return _perform("delete-runs", {"runs": args.delete or [], "purge": args.purge}, args, _say_pairs)
    return _perform("runs", {}, args, _say_runs)


def _say_runs(result: dict[str, Any]) -> None:
    _say_table(result["runs"])
    if result["champion"] is not None:
        _print(f"champion: run {result['champion']:04}")


@_command("diff", "say how two runs differ, and what has changed since one of them")
def _declare_diff(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion) or last (default)")
    parser.add_argument("--against", metavar="RUN", help="another run; the champion when not given")
    parser.set_defaults(command=_diff)


def _diff(args: argparse.Namespace) -> int:
    return _perform("diff", _given(args, "run", "against"), args, _say_diff)


def _say_diff(result: dict[str, Any]) -> None:
    before, after = (f"run {result[name]:04}" for name in ("against", "run"))
    _say_table([{"option": row["option"], before: row["before"], after: row["after"]} for row in result["options"]])
    for name, images in result["learnt"].items():
        if images:
            _print(f"{name} in what was learnt from: {len(images)}, {', '.join(images[:5])}")
    _print(result["since"]["words"])


@_command("challenge", "let a run meet the champion, and promote it when it is not worse")
def _declare_challenge(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="the challenger: number of a run, or last (default)")
    parser.add_argument("--against", metavar="RUN", help="another run than the champion; then nobody is promoted")
    parser.add_argument("--metric", choices=["iou", "dice"], help="the score of an image; iou when not given")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_challenge)


def _challenge(args: argparse.Namespace) -> int:
    return _perform("challenge", _given(args, "run", "against", "metric", "device"), args, _say_meeting)


def _say_meeting(result: dict[str, Any]) -> None:
    _say_table([{name: row[name] for name in ("image", "before", "after", "difference")} for row in result["worse"]])
    _print(f"\n{len(result['worse'])} images got worse, {result['better']} better, {result['same']} stayed the same")
    _print(result["summary"])
    if result["is_promoted"]:
        _print(f"run {result['run']:04} is the champion now (`segstudio rollback` takes that back)")
    elif result["is_title_at_stake"]:
        _print(f"run {result['champion']:04} stays champion")
    for note in (*result["notes"], result["rule"]):
        _print(f"note: {note}")


@_command("promote", "make a run the champion: the run that is used where none is named")
def _declare_promote(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("run", metavar="RUN", help="number of a run, or last")
    parser.set_defaults(command=_promote)


def _promote(args: argparse.Namespace) -> int:
    return _perform("promote", {"run": args.run}, args, _say_champion)


@_command("rollback", "give the title back to the champion before")
def _declare_rollback(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_rollback)


def _rollback(args: argparse.Namespace) -> int:
    return _perform("roll-back", {}, args, _say_champion)


def _say_champion(result: dict[str, Any]) -> None:
    before = "" if result["before"] in (None, result["champion"]) else f" (before: run {result['before']:04})"
    _print(f"champion: run {result['champion']:04}{before}")


@_command("predict", "predict masks and store their probabilities")
def _declare_predict(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion; default) or last")
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument(
        "--tiling",
        metavar="WAY",
        help="auto (default): as it has learnt to look; off: each image whole, scaled; full: tiles at full resolution",
    )
    parser.add_argument(
        "--flips", metavar="WHICH", help="mean over mirror images too: off (default), horizontal or all"
    )
    parser.add_argument(
        "--uncertainty", metavar="BY", help="what it is measured by without --flips: probability, horizontal or all"
    )
    parser.set_defaults(command=_predict)


def _predict(args: argparse.Namespace) -> int:
    return _perform(
        "predict", _given(args, "run", "filter", "device", "tiling", "flips", "uncertainty"), args, _say_pairs
    )


@_command("evaluate", "measure a run on a split")
def _declare_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion; default) or last")
    parser.add_argument("--split", choices=["train", "val", "test"], help="which part; test when not given")
    parser.add_argument(
        "--groups",
        action="append",
        metavar="EXPR",
        help="a sub-group to measure too, for example name:*left*; repeatable",
    )
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_evaluate)


def _evaluate(args: argparse.Namespace) -> int:
    return _perform("evaluate", _given(args, "run", "split", "groups", "device"), args, _say_evaluation)


def _say_evaluation(result: dict[str, Any]) -> None:
    left_out = ("pr_curve", "calibration", "groups", "per_image", "test_looks", "test_looks_words")
    _say_pairs({name: value for name, value in result.items() if name not in left_out})
    _print(f"average precision: {_figure(result['pr_curve']['average_precision'])}")
    for name, words in (("ece", "calibration error"), ("ece_unsure", "of unsure pixels"), ("brier", "Brier score")):
        _print(f"{words}: {_figure(result['calibration'][name])}")
    _print("")
    columns = ("group", "images", "iou", "dice", "boundary_iou", "hausdorff95", "average_precision", "ece")
    _say_table([{name: row[name] for name in columns} for row in result["groups"]])
    _print("")
    _say_table(sorted(result["per_image"], key=lambda row: 2.0 if row["iou"] is None else row["iou"])[:10])
    if len(result["per_image"]) > 10:
        _print(f"... and {len(result['per_image']) - 10} images more, with a higher IoU (see --json)")
    if result["split"] == "test":
        _print(result["test_looks_words"])


@_command("threshold", "show what each threshold would give over the validation split, and choose the one of a run")
def _declare_threshold(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (default) or last")
    parser.add_argument("--set", metavar="T|best", help="use this threshold, or the best, for all that is done with it")
    parser.add_argument("--split", choices=["train", "val"], help="what the curve is over; val when not given")
    parser.add_argument("--accept", type=float, metavar="IOU", help="from which IoU on a prediction passes")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_threshold)


def _threshold(args: argparse.Namespace) -> int:
    values = _given(args, "run", "set", "split", "accept", "device")
    return _perform("threshold", values, args, _say_threshold)


def _say_threshold(result: dict[str, Any]) -> None:
    _print(f"run {result['run']:04}, {result['images']} images of the {result['split']} split")
    _say_table([{name: _figure(value) for name, value in row.items()} for row in result["curve"][12::25]])
    best, used = result["best"], result["at"]
    if best is not None:
        _print(f"best: {_figure(best['threshold'])} (IoU {_figure(best['iou'])})")
    _print(f"used: {_figure(used['threshold'])} (IoU {_figure(used['iou'])})")
    if result["before"] != result["threshold"]:
        _print(f"until now: {_figure(result['before'])}")
    words = f"{len(result['flips'])} samples change their verdict (IoU of {_figure(result['accept'])}, or empty)"
    _print(words if result["before"] != result["threshold"] else f"with the best, {words}")
    for one in result["flips"][:10]:
        _print(f"  {one['image']}: IoU {_figure(one['iou_before'])} to {_figure(one['iou'])}")


@_command("stress", "measure what a run loses when pictures become darker, noisier, tilted ...")
def _declare_stress(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion; default) or last")
    parser.add_argument("--split", choices=["train", "val", "test"], help="which part; test when not given")
    parser.add_argument("--metric", choices=["iou", "dice"], help="what is lost; iou when not given")
    parser.add_argument("--transforms", nargs="+", metavar="NAME", help="of resources/stress.toml; all when not given")
    parser.add_argument("--to", type=os.path.abspath, metavar="FILE.csv", help="write the table to a file too")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_stress)


def _stress(args: argparse.Namespace) -> int:
    values = _given(args, "run", "split", "metric", "transforms", "to", "device")
    return _perform("stress", values, args, _say_stress)


def _say_stress(result: dict[str, Any]) -> None:
    metric = result["metric"]
    _print(f"run {result['run']:04}, {result['images']} images of the {result['split']} split, {result['size']} px")
    _print(f"as they are: {metric} {_figure(result['clean'][metric])}; lost of it, by rising strength:")
    rows: dict[str, dict[str, Any]] = {}
    for cell in result["table"]:
        row = rows.setdefault(cell["transform"], {"transform": cell["transform"]})
        row[str(cell["strength"])] = f"{cell['lost']:+.3f} ({cell['label']})"
    _say_table(list(rows.values()))
    if result["hint"]:
        _print(result["hint"])


@_command("compare", "train arms as pairs over several seeds: which is better, and how sure is that")
def _declare_compare(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--recipe", metavar="NAME|FILE", help="hold the original images against this recipe")
    parser.add_argument("--repeats", type=int, metavar="N", help="seeds (3); with --extend: how many more")
    _add_training(parser)
    parser.add_argument(
        "--arm", action="append", nargs="+", metavar=("NAME", "OPTION=VALUE"),
        help="one arm with its own recipe=, preset= or any option; the first is the original; repeatable",
    )  # fmt: skip
    parser.add_argument("--control", action="store_true", help="repeat the first arm with other seeds: chance alone")
    parser.add_argument("--split", choices=["test", "val"], help="which part is measured; test when not given")
    parser.add_argument("--metric", choices=["iou", "dice"], help="the score of an image; iou when not given")
    parser.add_argument(
        "--groups", action="append", metavar="EXPR", help="a sub-group to look at, for example name:*left*; repeatable"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of the first repeat; the next has one more")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--keep-weights", action="store_true", help="keep the weights of every training")
    parser.add_argument("--resume", type=int, metavar="N", help="go on with a comparison that was stopped or killed")
    parser.add_argument("--extend", type=int, metavar="N", help="add repeats to a comparison")
    parser.add_argument("--rerun", type=int, metavar="N", help="make a comparison again with the same settings")
    parser.set_defaults(command=_compare)


def _compare(args: argparse.Namespace) -> int:
    names = ("recipe", "repeats", "preset", "epochs", "split", "metric", "groups", "seed", "device", "resume", "extend")
    values = _given(args, *names, "rerun")
    values |= {name: True for name in ("control", "keep_weights") if getattr(args, name)}
    if args.set:
        values["options"] = parse_assignments(args.set)
    if args.arm:
        values["arms"] = [{"name": name, **parse_assignments(options)} for name, *options in args.arm]
    return _perform("compare", values, args, _say_comparison)


def _say_comparison(result: dict[str, Any]) -> None:
    effects = {effect["arm"]: effect for effect in result["effects"]}
    _say_table([_arm_row(arm, effects.get(arm["name"], {})) for arm in result["arms"]])
    for effect in result["effects"]:
        _print(f"\n{effect['arm']} against {effect['against']}, by sub-group:")
        _say_table([{"group": one["group"], "images": one["images"], **_judged(one)} for one in effect["per_group"]])
    _print("")
    for effect in result["effects"]:
        _print(effect["summary"])
    for note in result["notes"]:
        _print(f"note: {note}")
    _print(f"comparison {result['comparison']}: {result['report']}")


def _arm_row(arm: dict[str, Any], effect: dict[str, Any]) -> dict[str, Any]:
    repeats = " ".join(f"{value:.4f}" for value in arm["repeats"])
    return {"arm": arm["name"], "recipe": arm["recipe"], "mean": arm["mean"], "repeats": repeats, **_judged(effect)}


def _judged(effect: dict[str, Any]) -> dict[str, str]:
    """Difference, interval, p and verdict as they are printed; empty for the arm that is held against none."""
    if not effect:
        return dict.fromkeys(("difference", "95 % interval", "p", "verdict"), "")
    low, high = effect["interval"]
    figures = (f"{effect['difference']:+.4f}", f"{low:+.4f} to {high:+.4f}", f"{effect['p_value']:.2g}")
    return dict(zip(("difference", "95 % interval", "p", "verdict"), (*figures, effect["verdict"]), strict=True))


@_command("comparisons", "list the comparisons of a project")
def _declare_comparisons(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_comparisons)


def _comparisons(args: argparse.Namespace) -> int:
    return _perform("comparisons", {}, args, lambda result: _say_table(result["comparisons"]))


@_command("cross-validate", "train on folds: how good is this training on images it has not seen, how sure is that")
def _declare_cross_validate(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--folds", type=int, metavar="K", help="parts of the samples (5), each measured by the others")
    parser.add_argument("--repeats", type=int, metavar="R", help="how often (1), with other folds and seeds")
    parser.add_argument("--include-test", action="store_true", help="take the test split's samples in too")
    _add_study(parser)
    parser.set_defaults(command=_cross_validate)


def _add_study(parser: argparse.ArgumentParser) -> None:
    _add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, or the number of a run")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--seed", type=int, metavar="N", help="of the first repeat; the next has one more")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--resume", type=int, metavar="N", help="go on with a study that was stopped or killed")


def _study_values(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    values = _given(args, "preset", "epochs", "seed", "device", "resume", *names)
    if options := parse_assignments(args.set) | _given(args, "start", "recipe"):
        values["options"] = options
    return values


def _cross_validate(args: argparse.Namespace) -> int:
    values = _study_values(args, "folds", "repeats") | ({"include_test": True} if args.include_test else {})
    return _perform("cross-validate", values, args, _say_folds)


def _say_folds(result: dict[str, Any]) -> None:
    names = ("fold", "repeat", "images", "learnt_from", "iou", "dice", "binary_iou", "pooled_iou", "best_epoch")
    _say_table([{name: row[name] for name in names} for row in result["per_fold"]])
    _print("")
    _say_table([_estimate_row(name, result) for name in ("iou", "dice", "binary_iou", "pooled_iou", "pooled_dice")])
    _print("")
    _print(result["summary"])
    worst = [row for row in result["per_image"] if row["suspicion"] >= 0.5]
    if worst:
        _print(f"{len(worst)} masks look wrong to networks that had not learnt from them (list --sort suspicion):")
        _say_table([{name: row[name] for name in ("image", "iou", "suspicion")} for row in worst[:10]])
    for note in (result["method"], *result["notes"]):
        _print(f"note: {note}")
    _print(f"study {result['study']:04}")


def _estimate_row(name: str, result: dict[str, Any]) -> dict[str, Any]:
    found = result["figures"][name]
    low, high = found["interval"] or (None, None)
    own = {"pooled_iou": "iou", "pooled_dice": "dice"}.get(name, name)
    is_pooled = name in ("binary_iou", "pooled_iou", "pooled_dice")
    return {
        "figure": name.replace("_", " "), "mean": found["mean"], "from": low, "to": high,
        "deviation": found["deviation"], "all pixels": result["pooled"][own] if is_pooled else "",
        "predicting nothing": result["predict_nothing"][own] if is_pooled else "",
    }  # fmt: skip


@_command("advise", "learn from more and more masks: what would still more of them bring, or is it time to stop")
def _declare_advise(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="numbers of masks (4), each half of the next one")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="these numbers of masks instead of halves")
    parser.add_argument("--repeats", type=int, metavar="R", help="trainings of each (3), with other masks and seeds")
    parser.add_argument("--more", type=int, nargs="+", metavar="N", help="how many more are asked about: 10 25 50")
    parser.add_argument("--split", choices=["val", "test"], help="which part is measured; val when not given")
    parser.add_argument("--metric", choices=["iou", "dice"], help="the score of an image; iou when not given")
    _add_study(parser)
    parser.set_defaults(command=_advise)


def _advise(args: argparse.Namespace) -> int:
    values = _study_values(args, "steps", "sizes", "repeats", "more", "split", "metric")
    return _perform("advise", values, args, _say_advice)


def _say_advice(result: dict[str, Any]) -> None:
    _say_table(
        [
            {"masks": one["size"], "mean": one["mean"], "repeats": " ".join(f"{value:.4f}" for value in one["repeats"])}
            for one in result["points"]
        ]
    )
    _print("")
    _print(result["summary"])
    for note in result["notes"]:
        _print(f"note: {note}")
    _print(f"study {result['study']:04}")


@_command("studies", "list the cross-validations and learning curves of a project")
def _declare_studies(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_studies)


def _studies(args: argparse.Namespace) -> int:
    return _perform("studies", {}, args, lambda result: _say_table(result["studies"]))


@_command("export", "write masks, a model, a report or a comparison for other programs and people")
def _declare_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=["masks", "model", "report", "comparison", "study", "bundle"], help="what to export"
    )
    _add_project(parser)
    parser.add_argument(
        "--to",
        required=True,
        metavar="PATH",
        help="folder of the masks, where nothing is replaced; HTML file of the report or comparison, CSV of its "
        "scores; JSON of a study, CSV of its scores; file of the model, or a folder for it; zip of the bundle for "
        "another reader",
    )
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="of masks: png (0 and 255, when not given) or png01 (0 and 1); "
        "of a model: keras, savedmodel, tflite or onnx",
    )
    parser.add_argument(
        "--run", metavar="RUN", help="of a model or report: number of a run, best (the champion; default) or last"
    )
    parser.add_argument("--split", choices=["train", "val", "test"], help="of a report: which part is measured; test")
    parser.add_argument(
        "--chosen", metavar="EXPR", help="of a report: which samples are shown besides best, worst, random"
    )
    parser.add_argument("--comparison", type=int, metavar="N", help="which one; the newest when not given")
    parser.add_argument("--study", type=int, metavar="N", help="which one; the newest when not given")
    parser.add_argument("--reviewer", metavar="NAME", help="of a bundle: whose it is; the name of the settings")
    parser.add_argument("--images", action="store_true", default=None, help="of a bundle: pack the images too")
    parser.set_defaults(command=_export)


def _export(args: argparse.Namespace) -> int:
    args.to = str(Path(args.to).absolute())
    return _perform(
        f"export-{args.what}",
        _given(args, "to", "filter", "format", "run", "split", "chosen", "comparison", "study", "reviewer", "images"),
        args,
        _say_pairs,
    )


@_command("import-bundle", "hold another reader's masks against one's own")
def _declare_import_bundle(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("file", type=os.path.abspath, metavar="FILE.zip", help="what the other has exported")
    parser.set_defaults(command=_import_bundle)


def _import_bundle(args: argparse.Namespace) -> int:
    return _perform("import-bundle", {"file": args.file}, args, _say_agreement)


@_command("agreement", "say how far other readers' masks are the same as one's own")
def _declare_agreement(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_agreement)


def _agreement(args: argparse.Namespace) -> int:
    def say(result: dict[str, Any]) -> None:
        for one in result["readers"]:
            _say_agreement(one)
        if not result["readers"]:
            _print("no bundle of another reader was imported")

    return _perform("agreement", {}, args, say)


def _say_agreement(result: dict[str, Any]) -> None:
    _say_table(
        [
            {
                "image": one["image"], "dice": one["dice"], "kappa": one["kappa"], "different": one["different"],
                "mine": one["mine"], "theirs": one["theirs"], "comment": one["comment"],
            }
            for one in result["per_image"]
        ]
    )  # fmt: skip
    _print(
        f"{result['reader']} (run {result['run']:04}): {result['samples']} samples with two masks, "
        f"mean Dice {_figure(result['dice'])}, mean kappa {_figure(result['kappa'])}, "
        f"the same verdict on {_figure(result['same_verdict'])} of them"
    )


@_command("judge", "give verdicts, move between splits or comment, on all samples of a filter")
def _declare_judge(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--filter", required=True, metavar="EXPR", help="which samples; an empty text is all")
    parser.add_argument("--state", choices=["todo", "accepted", "flagged", "rejected"], help="the verdict")
    parser.add_argument("--split", choices=["train", "val"], help="move them there; the test split is frozen")
    parser.add_argument("--comment", metavar="TEXT", help="in place of the one there is; empty takes it back")
    parser.add_argument("--reviewer", metavar="NAME", help="whose verdict; the name of the settings when not given")
    parser.set_defaults(command=_judge)


def _judge(args: argparse.Namespace) -> int:
    return _perform("judge", _given(args, "filter", "state", "split", "comment", "reviewer"), args, _say_pairs)


@_command("lint", "find masks or predictions whose shape is unusual")
def _declare_lint(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--what", choices=["masks", "predictions", "both"], help="masks when not given")
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.add_argument("--learn", action="store_true", help="learn the rules anew from the accepted masks")
    parser.set_defaults(command=_lint)


def _lint(args: argparse.Namespace) -> int:
    return _perform("lint", _given(args, "what", "filter") | {"learn": args.learn}, args, _say_lint)


def _say_lint(result: dict[str, Any]) -> None:
    if result["learnt_from"] is not None:
        _print(f"what is usual was learnt from {result['learnt_from']} masks")
    for what, count in result["checked"].items():
        _print(f"{count} {what} checked")
    rows = result["unusual"]
    _say_table([{"score": one["score"], "image": one["image"], "what": one["what"],
                 "unusual": "; ".join(one["findings"])} for one in rows])  # fmt: skip


@_command("accept", "accept many predictions or masks after checking a few random ones")
def _declare_accept(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--what", choices=["predictions", "masks"], help="predictions when not given")
    parser.add_argument("--filter", metavar="EXPR", help="among which samples; state:todo when not given")
    parser.add_argument("--audit", type=int, metavar="K", help="how many random ones are checked; 20 when not given")
    parser.add_argument("--seed", type=int, metavar="N", help="of the draw, as the plan named it")
    parser.add_argument(
        "--answers", type=os.path.abspath, metavar="FILE.csv",
        help="image,right or image,wrong for each that was drawn; without it the plan is printed and nothing changed",
    )  # fmt: skip
    parser.add_argument("--replace-corrected", action="store_true", help="also where a person corrected or accepted")
    parser.add_argument("--reviewer", metavar="NAME", help="who checked; the name of the settings when not given")
    parser.set_defaults(command=_accept)


def _accept(args: argparse.Namespace) -> int:
    values = _given(args, "what", "filter", "audit", "seed", "answers", "reviewer")
    return _perform("accept", values | {"replace_corrected": args.replace_corrected}, args, _say_accept)


def _say_accept(result: dict[str, Any]) -> None:
    for reason, count in result["left_out"].items():
        _print(f"{count} stay as they are: {reason}")
    if result["replaced"] or result["replaced_by_person"]:
        by_person = f", {result['replaced_by_person']} that a person made or judged" * bool(
            result["replaced_by_person"]
        )
        _print(f"predictions take the place of {result['replaced']} masks of the dataset{by_person}")
    _print(result["words"])
    if result["accepted"] is not None:
        _print(f"{result['accepted']} {result['what']} accepted; `segstudio undo PROJECT` takes it back")
        return
    _print(f"check these, then give --seed {result['seed']} --answers FILE.csv:")
    for image in result["check"]:
        _print(f"  {image}")


@_command("bound", "say how many wrong ones there are at most, after some random ones were checked")
def _declare_bound(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checked", type=int, required=True, metavar="K", help="how many were checked")
    parser.add_argument("--wrong", type=int, required=True, metavar="W", help="how many of these were wrong")
    parser.add_argument("--of", type=int, metavar="N", help="how many there are")
    parser.set_defaults(command=_bound)


def _bound(args: argparse.Namespace) -> int:
    from segstudio.core.audit import CONFIDENCE, percent, upper_bound

    try:
        bound = upper_bound(args.checked, args.wrong, args.of)
    except ValueError as error:
        raise UserError(f"these numbers cannot be: {error}", "wrong <= checked <= of") from error
    result = {"checked": args.checked, "wrong": args.wrong, "of": args.of, "bound": bound, "confidence": CONFIDENCE}
    _show(result, args, lambda one: _print(f"at most {percent(one['bound'])} are wrong (95 % sure)"))
    return 0


@_command("undo", "take the last act back: a verdict, a change of split, a bulk accept, a deleted run")
def _declare_undo(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--redo", action="store_true", help="do the act again that was undone last")
    parser.add_argument("--list", action="store_true", help="only list the acts, the newest first")
    parser.set_defaults(command=_undo)


def _undo(args: argparse.Namespace) -> int:
    return _perform("undo", {"redo": args.redo, "list": args.list}, args, _say_acts)


def _say_acts(result: dict[str, Any]) -> None:
    if (act := result["act"]) is None:
        _say_table(
            [{"when": one["created"], "act": one["title"], "undone": one["is_undone"]} for one in result["acts"]]
        )
        return
    _print(f"{'undone' if act['is_undone'] else 'done again'}: {act['title']}")
    if result["left"]:
        _print(f"{result['left']} had been changed since and stay as they are")


@_command("check", "verify every file of a project against its index")
def _declare_check(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--thorough", action="store_true", help="decode every image, instead of its header alone")
    parser.add_argument("--rebuild", action="store_true", help="make the index anew from the files first")
    parser.add_argument("--source", metavar="DIR", help="where the dataset lies now, when its folder was moved")
    parser.set_defaults(command=_check)


def _check(args: argparse.Namespace) -> int:
    result = _performed("check", _given(args, "thorough", "rebuild", "source"), args)
    _show(result, args, _say_pairs)
    if not result["ok"]:
        count = sum(finding["severity"] != "mended" for finding in result["findings"])
        raise UserError(
            f"{count} things in {args.project} are not as they should be", "they are listed above; --json has all"
        )
    return 0


@_command("demo", "make a sample project of generated pictures, train on it and show it")
def _declare_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-window", action="store_true", help="end with screenshots and a report instead")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder to make; a temporary one when not given")
    parser.add_argument("--count", type=int, metavar="N", help="pictures of each kind")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of training")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the pictures and of the training")
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    args.project = (args.to or Path(tempfile.mkdtemp(prefix="segstudio-demo-"))).absolute()
    result = _performed("demo", _given(args, "count", "epochs", "seed"), args)
    projects = [Path(one["project"]) for one in result["projects"]]
    if args.no_window:
        result["screenshots"] = _screenshots(projects, args.project)
    _show(result, args, _say_demo)
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
        _print(f"{one['title']}: {one['project']}")
        _print(f"  test split: Dice {_figure(test['dice'])}, IoU {_figure(test['iou'])}, {test['images']} images")
        _print(f"  report: {one['report']}")
    for path in result.get("screenshots", []):
        _print(f"screenshot: {path}")


@_command("doctor", "say what this machine has: Qt, TensorFlow, GPU, weights")
def _declare_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    args.project = Path.cwd()
    return _perform("doctor", {}, args, _say_pairs)


# --- running a job and saying what came out ---------------------------------------------------------------------------


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="the project's folder")


def _given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The arguments that were given; a job's own defaults hold for the rest."""
    return {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}


def _perform(job: str, values: dict[str, Any], args: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> int:
    _show(_performed(job, values, args), args, say)
    return 0


def _show(result: dict[str, Any], args: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> None:
    if args.json:
        # JSON is UTF-8; where standard output is not (a pipe on Windows), plain ASCII with escapes is both.
        is_utf8 = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
        _print(json.dumps(result, ensure_ascii=not is_utf8))
    else:
        say(result)


def _performed(job: str, values: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """The result of a job run in this process, with progress on standard error and Ctrl+C as its cancel."""
    from segstudio.jobs import JOBS
    from segstudio.terminal import TerminalReporter

    with TerminalReporter() as report, _interrupt(report.cancel), _output_to_stderr(is_needed=args.json):
        return JOBS[job].from_values(values).perform(args.project.absolute(), report)


@contextlib.contextmanager
def _interrupt(cancel: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl+C asks the job to stop in order; the second stops the program."""

    def first(*_: object) -> None:
        cancel()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def _output_to_stderr(*, is_needed: bool) -> Iterator[None]:
    """While a job runs, whatever a library prints goes to standard error: standard output is for one JSON object."""
    if not is_needed:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)  # the descriptor too: C libraries know nothing of sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _print(text: str) -> None:
    print(text)  # noqa: T201


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _say_pairs(result: dict[str, Any], indent: str = "") -> None:
    """Name and value, a line each; long lists are left to --json."""
    for name, value in result.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            _print(f"{label}:")
            _say_pairs(value, indent + "  ")
        elif isinstance(value, list):
            _print(f"{label}: {len(value)}")
            for one in value[:10]:
                words = ", ".join(map(_plain, one.values())) if isinstance(one, dict) else _plain(one)
                _print(f"{indent}  {words}")
            if len(value) > 10:
                _print(f"{indent}  ... and {len(value) - 10} more (see --json)")
        else:
            _print(f"{label}: {_plain(value)}")


def _plain(value: object) -> str:
    return _figure(value) if value is None or isinstance(value, float) else str(value)


def _say_table(rows: list[dict[str, Any]]) -> None:
    """Rows of equal keys as a table with aligned columns."""
    if not rows:
        _print("none")
        return
    cells = [[_plain(value) for value in row.values()] for row in rows]
    heads = [name.replace("_", " ") for name in rows[0]]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        _print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
