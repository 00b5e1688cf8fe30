"""Training: checked before it begins, begun, steered."""

import argparse
from typing import Any

from segstudio.cli.command import add_project, command, given, perform, performed, show
from segstudio.cli.words import figure, say_pairs, say_table, tell
from segstudio.core.errors import UserError
from segstudio.core.options import parse_assignments


@command("train", "train a network")
def _declare_train(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, the number of a run, or a model file")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was killed, from its last epoch")
    parser.add_argument(
        "--rebuild", metavar="RUN", help="make a run again from its manifest, and say whether it comes out the same"
    )
    parser.set_defaults(command=_train)


@command("preflight", "say what would be wrong with a training, and what it would take, before it begins")
def _declare_preflight(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, the number of a run, or a model file")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--no-step", action="store_true", help="check samples and options alone: no memory and time")
    parser.set_defaults(command=_preflight)


def _preflight(args: argparse.Namespace) -> int:
    values = parse_assignments(args.set) | given(args, "preset", "epochs", "start", "recipe", "device")
    result = performed("preflight", values | ({"step": False} if args.no_step else {}), args)
    show(result, args, _say_preflight)
    if not result["ok"]:
        count = sum(finding["severity"] == "blocks" for finding in result["findings"])
        what = "1 finding stops" if count == 1 else f"{count} findings stop"
        raise UserError(f"{what} this training", "they are listed above; --json has all")
    return 0


def _say_preflight(result: dict[str, Any]) -> None:
    say_table([{"what": one["option"].replace("_", " "), **_settled(one)} for one in result["decisions"]])
    tell("")
    for finding in result["findings"]:
        tell(f"{finding['severity']:6}  {finding['text']}")
        if finding["help"] and finding["severity"] != "fine":
            tell(f"        {finding['help']}")
        for sample in finding["samples"][:3] if finding["severity"] != "fine" else ():
            tell(f"        {sample}")


def _settled(decision: dict[str, Any]) -> dict[str, str]:
    by = "chosen" if decision["is_automatic"] else ""
    return {"value": decision["value"], "by": by, "reason": decision["reason"]}


def add_training(parser: argparse.ArgumentParser) -> None:
    """The arguments of everything that trains."""
    _add_preset(parser)
    parser.add_argument("--epochs", type=int, metavar="N", help="how often every sample is seen")


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", metavar="NAME", help="what to train, for example mobilenetv2-unet-fast")
    parser.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE", help="any other option of the preset; repeatable"
    )


def _train(args: argparse.Namespace) -> int:
    names = ("preset", "epochs", "start", "recipe", "device", "resume", "rebuild")
    values = parse_assignments(args.set) | given(args, *names)
    return perform("train", values, args, _say_training)


def _say_training(result: dict[str, Any]) -> None:
    say_pairs({name: value for name, value in result.items() if name not in ("meeting", "verdict", "rebuilt")})
    tell(result["verdict"])


@command("steer", "pause, stop or change a training that runs, in whatever window or terminal")
def _declare_steer(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="its number; the one that runs when not given")
    course = parser.add_mutually_exclusive_group()
    course.add_argument("--pause", action="store_true", default=None, help="wait before the next step")
    course.add_argument("--resume", action="store_false", dest="pause", help="go on after a pause")
    course.add_argument("--stop", action="store_true", default=None, help="end after this step, keep the best weights")
    parser.add_argument("--learning-rate", type=float, metavar="X", help="from the next step on")
    parser.add_argument("--epochs", type=int, metavar="N", help="how many there shall be in all")
    parser.set_defaults(command=_steer, pause=None)


def _steer(args: argparse.Namespace) -> int:
    return perform("steer", given(args, "run", "pause", "stop", "learning_rate", "epochs"), args, say_pairs)


@command("find-rate", "try ever larger learning rates for a training and suggest one")
def _declare_find_rate(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    _add_preset(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="rates that are tried, one a batch; 100 when not given")
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, or the number of a run")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_find_rate)


def _find_rate(args: argparse.Namespace) -> int:
    values = parse_assignments(args.set) | given(args, "preset", "steps", "start", "device")
    return perform("find-rate", values, args, _say_rate)


def _say_rate(result: dict[str, Any]) -> None:
    say_table([{name: f"{value:.3g}" for name, value in point.items()} for point in result["curve"][::5]])
    tell(f"suggested: {figure(result['suggested'])} (the options say {figure(result['learning_rate'])})")
    tell(result["reason"])
