"""Experiments: comparisons, folds, learning curves, stress tests."""

import argparse
import os
from typing import Any

from segstudio.cli.command import add_project, command, given, perform
from segstudio.cli.training import add_training
from segstudio.cli.words import figure, say_table, tell
from segstudio.core.options import parse_assignments
from segstudio.core.way import FLIPS


@command("stress", "measure what a run loses when pictures become darker, noisier, tilted ...")
def _declare_stress(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion; default) or last")
    parser.add_argument("--split", choices=["train", "val", "test"], help="which part; test when not given")
    parser.add_argument("--metric", choices=["iou", "dice"], help="what is lost; iou when not given")
    parser.add_argument("--transforms", nargs="+", metavar="NAME", help="of resources/stress.toml; all when not given")
    parser.add_argument("--to", type=os.path.abspath, metavar="FILE.csv", help="write the table to a file too")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_stress)


def _stress(args: argparse.Namespace) -> int:
    values = given(args, "run", "split", "metric", "transforms", "to", "device")
    return perform("stress", values, args, _say_stress)


def _say_stress(result: dict[str, Any]) -> None:
    metric = result["metric"]
    tell(f"run {result['run']:04}, {result['images']} images of the {result['split']} split, {result['size']} px")
    tell(f"as they are: {metric} {figure(result['clean'][metric])}; lost of it, by rising strength:")
    rows: dict[str, dict[str, Any]] = {}
    for cell in result["table"]:
        row = rows.setdefault(cell["transform"], {"transform": cell["transform"]})
        row[str(cell["strength"])] = f"{cell['lost']:+.3f} ({cell['label']})"
    say_table(list(rows.values()))
    if result["hint"]:
        tell(result["hint"])


@command("compare", "train arms as pairs over several seeds: which is better, and how sure is that")
def _declare_compare(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--recipe", metavar="NAME|FILE", help="hold the original images against this recipe")
    parser.add_argument("--repeats", type=int, metavar="N", help="seeds (3); with --extend: how many more")
    add_training(parser)
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
    _add_flips(parser)
    parser.add_argument("--keep-weights", action="store_true", help="keep the weights of every training")
    parser.add_argument("--resume", type=int, metavar="N", help="go on with a comparison that was stopped or killed")
    parser.add_argument("--extend", type=int, metavar="N", help="add repeats to a comparison")
    parser.add_argument("--rerun", type=int, metavar="N", help="make a comparison again with the same settings")
    parser.set_defaults(command=_compare)


def _compare(args: argparse.Namespace) -> int:
    names = ("recipe", "repeats", "preset", "epochs", "split", "metric", "groups", "flips", "seed", "device", "resume")
    values = given(args, *names, "extend", "rerun")
    values |= {name: True for name in ("control", "keep_weights") if getattr(args, name)}
    if args.set:
        values["options"] = parse_assignments(args.set)
    if args.arm:
        values["arms"] = [{"name": name, **parse_assignments(options)} for name, *options in args.arm]
    return perform("compare", values, args, _say_comparison)


def _say_comparison(result: dict[str, Any]) -> None:
    effects = {effect["arm"]: effect for effect in result["effects"]}
    say_table([_arm_row(arm, effects.get(arm["name"], {})) for arm in result["arms"]])
    for effect in result["effects"]:
        tell(f"\n{effect['arm']} against {effect['against']}, by sub-group:")
        say_table([{"group": one["group"], "images": one["images"], **_judged(one)} for one in effect["per_group"]])
    tell("")
    for effect in result["effects"]:
        tell(effect["summary"])
    for note in result["notes"]:
        tell(f"note: {note}")
    tell(f"comparison {result['comparison']}: {result['report']}")


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


@command("comparisons", "list the comparisons of a project")
def _declare_comparisons(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.set_defaults(command=_comparisons)


def _comparisons(args: argparse.Namespace) -> int:
    return perform("comparisons", {}, args, lambda result: say_table(result["comparisons"]))


@command("cross-validate", "train on folds: how good is this training on images it has not seen, how sure is that")
def _declare_cross_validate(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--folds", type=int, metavar="K", help="parts of the samples (5), each measured by the others")
    parser.add_argument("--repeats", type=int, metavar="R", help="how often (1), with other folds and seeds")
    parser.add_argument("--include-test", action="store_true", help="take the test split's samples in too")
    _add_study(parser)
    parser.set_defaults(command=_cross_validate)


def _add_study(parser: argparse.ArgumentParser) -> None:
    add_training(parser)
    parser.add_argument("--start", metavar="FROM", help="imagenet, scratch, best, or the number of a run")
    parser.add_argument("--recipe", metavar="NAME|FILE", help="augmentation: a recipe's name, a .json file, or none")
    parser.add_argument("--seed", type=int, metavar="N", help="of the first repeat; the next has one more")
    _add_flips(parser)
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.add_argument("--resume", type=int, metavar="N", help="go on with a study that was stopped or killed")


def _add_flips(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flips", choices=FLIPS, help="measure means over mirror images; off when not given")


def _study_values(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    values = given(args, "preset", "epochs", "flips", "seed", "device", "resume", *names)
    if options := parse_assignments(args.set) | given(args, "start", "recipe"):
        values["options"] = options
    return values


def _cross_validate(args: argparse.Namespace) -> int:
    values = _study_values(args, "folds", "repeats") | ({"include_test": True} if args.include_test else {})
    return perform("cross-validate", values, args, _say_folds)


def _say_folds(result: dict[str, Any]) -> None:
    names = ("fold", "repeat", "images", "learnt_from", "iou", "dice", "binary_iou", "pooled_iou", "best_epoch")
    say_table([{name: row[name] for name in names} for row in result["per_fold"]])
    tell("")
    say_table([_estimate_row(name, result) for name in ("iou", "dice", "binary_iou", "pooled_iou", "pooled_dice")])
    tell("")
    tell(result["summary"])
    worst = [row for row in result["per_image"] if row["suspicion"] >= 0.5]
    if worst:
        tell(f"{len(worst)} masks look wrong to networks that had not learnt from them (list --sort suspicion):")
        say_table([{name: row[name] for name in ("image", "iou", "suspicion")} for row in worst[:10]])
    for note in (result["method"], *result["notes"]):
        tell(f"note: {note}")
    tell(f"study {result['study']:04}")


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


@command("advise", "learn from more and more masks: what would still more of them bring, or is it time to stop")
def _declare_advise(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
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
    return perform("advise", values, args, _say_advice)


def _say_advice(result: dict[str, Any]) -> None:
    say_table(
        [
            {"masks": one["size"], "mean": one["mean"], "repeats": " ".join(f"{value:.4f}" for value in one["repeats"])}
            for one in result["points"]
        ]
    )
    tell("")
    tell(result["summary"])
    for note in result["notes"]:
        tell(f"note: {note}")
    tell(f"study {result['study']:04}")


@command("studies", "list the cross-validations and learning curves of a project")
def _declare_studies(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.set_defaults(command=_studies)


def _studies(args: argparse.Namespace) -> int:
    return perform("studies", {}, args, lambda result: say_table(result["studies"]))
