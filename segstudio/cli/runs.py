"""Runs: listed, compared, promoted, asked for predictions, measured."""

import argparse
from pathlib import Path
from typing import Any

from segstudio.cli.command import add_project, command, given, perform
from segstudio.cli.words import figure, say_pairs, say_table, tell
from segstudio.core.way import FLIPS, TILINGS, manner_words
from segstudio.core.wording import count_text


@command("runs", "list the runs of a project")
def _declare_runs(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--delete", type=int, nargs="+", metavar="RUN", help="delete runs; `undo` brings them back")
    parser.add_argument("--purge", action="store_true", help="remove the files of deleted runs for good")
    parser.set_defaults(command=_runs)


def _runs(args: argparse.Namespace) -> int:
    if args.delete or args.purge:
        return perform("delete-runs", {"runs": args.delete or [], "purge": args.purge}, args, say_pairs)
    return perform("runs", {}, args, lambda result: _say_runs(result, args.project))


def _say_runs(result: dict[str, Any], project: Path) -> None:
    say_table(result["runs"])
    newest = result["runs"][0] if result["runs"] else {}
    if newest.get("status") == "lost" and newest["epochs"]:
        told = f"run {newest['run']:04} was broken off after epoch {newest['epochs']}"
        tell(f"{told}: `segstudio train {project} --resume {newest['run']}` goes on with it")
    if result["champion"] is not None:
        tell(f"champion: run {result['champion']:04}")


@command("diff", "say how two runs differ, and what has changed since one of them")
def _declare_diff(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion) or last (default)")
    parser.add_argument("--against", metavar="RUN", help="another run; the champion when not given")
    parser.set_defaults(command=_diff)


def _diff(args: argparse.Namespace) -> int:
    return perform("diff", given(args, "run", "against"), args, _say_diff)


def _say_diff(result: dict[str, Any]) -> None:
    before, after = (f"run {result[name]:04}" for name in ("against", "run"))
    say_table([{"option": row["option"], before: row["before"], after: row["after"]} for row in result["options"]])
    for name, images in result["learnt"].items():
        if images:
            tell(f"{name} in what was learnt from: {len(images)}, {', '.join(images[:5])}")
    tell(result["since"]["words"])


@command("challenge", "let a run meet the champion, and promote it when it is not worse")
def _declare_challenge(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="the challenger: number of a run, or last (default)")
    parser.add_argument("--against", metavar="RUN", help="another run than the champion; then nobody is promoted")
    parser.add_argument("--metric", choices=["iou", "dice"], help="the score of an image; iou when not given")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_challenge)


def _challenge(args: argparse.Namespace) -> int:
    return perform("challenge", given(args, "run", "against", "metric", "device"), args, _say_meeting)


def _say_meeting(result: dict[str, Any]) -> None:
    say_table([{name: row[name] for name in ("image", "before", "after", "difference")} for row in result["worse"]])
    worse = count_text(len(result["worse"]), "image")
    tell(f"\n{worse} got worse, {result['better']} better, {result['same']} stayed the same")
    tell(result["summary"])
    if result["is_promoted"]:
        tell(f"run {result['run']:04} is the champion now (`segstudio rollback` takes that back)")
    elif result["is_title_at_stake"]:
        tell(f"run {result['champion']:04} stays champion")
    for note in (*result["notes"], result["rule"]):
        tell(f"note: {note}")


@command("promote", "make a run the champion: the run that is used where none is named")
def _declare_promote(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("run", metavar="RUN", help="number of a run, or last")
    parser.set_defaults(command=_promote)


def _promote(args: argparse.Namespace) -> int:
    return perform("promote", {"run": args.run}, args, _say_champion)


@command("rollback", "give the title back to the champion before")
def _declare_rollback(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.set_defaults(command=_rollback)


def _rollback(args: argparse.Namespace) -> int:
    return perform("roll-back", {}, args, _say_champion)


def _say_champion(result: dict[str, Any]) -> None:
    before = "" if result["before"] in (None, result["champion"]) else f" (before: run {result['before']:04})"
    tell(f"champion: run {result['champion']:04}{before}")


@command("predict", "predict masks and store their probabilities")
def _declare_predict(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
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
    values = given(args, "run", "filter", "device", "tiling", "flips", "uncertainty")
    return perform("predict", values, args, lambda result: say_pairs({**result, "way": result["way"]["words"]}))


@command("evaluate", "measure a run on a split")
def _declare_evaluate(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (the champion; default) or last")
    parser.add_argument("--split", choices=["train", "val", "test"], help="which part; test when not given")
    parser.add_argument(
        "--groups",
        action="append",
        metavar="EXPR",
        help="a sub-group to measure too, for example name:*left*; repeatable",
    )
    parser.add_argument("--flips", choices=FLIPS, help="measure means over mirror images; off when not given")
    parser.add_argument("--tiling", choices=TILINGS, help="measure whole images (off) or full resolution (full)")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_evaluate)


def _evaluate(args: argparse.Namespace) -> int:
    return perform(
        "evaluate", given(args, "run", "split", "groups", "flips", "tiling", "device"), args, _say_evaluation
    )


def _say_evaluation(result: dict[str, Any]) -> None:
    left_out = ("pr_curve", "calibration", "groups", "per_image", "test_looks", "test_looks_words", "manner")
    said = {**result, "way": result["way"]["words"]}
    say_pairs({name: value for name, value in said.items() if name not in left_out})
    tell(f"average precision: {figure(result['pr_curve']['average_precision'])}")
    for name, words in (("ece", "calibration error"), ("ece_unsure", "of unsure pixels"), ("brier", "Brier score")):
        tell(f"{words}: {figure(result['calibration'][name])}")
    tell("")
    columns = ("group", "images", "iou", "dice", "boundary_iou", "hausdorff95", "average_precision", "ece")
    say_table([{name: row[name] for name in columns} for row in result["groups"]])
    tell("")
    say_table(sorted(result["per_image"], key=lambda row: 2.0 if row["iou"] is None else row["iou"])[:10])
    if len(result["per_image"]) > 10:
        tell(f"... and {len(result['per_image']) - 10} images more, with a higher IoU (see --json)")
    if result["split"] == "test":
        tell(result["test_looks_words"])


@command("threshold", "show what each threshold would give over the validation split, and choose the one of a run")
def _declare_threshold(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--run", metavar="RUN", help="number of a run, best (default) or last")
    parser.add_argument("--set", metavar="T|best", help="use this threshold, or the best, for all that is done with it")
    parser.add_argument("--split", choices=["train", "val"], help="what the curve is over; val when not given")
    parser.add_argument("--accept", type=float, metavar="IOU", help="from which IoU on a prediction passes")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu or gpu:N")
    parser.set_defaults(command=_threshold)


def _threshold(args: argparse.Namespace) -> int:
    values = given(args, "run", "set", "split", "accept", "device")
    return perform("threshold", values, args, _say_threshold)


def _say_threshold(result: dict[str, Any]) -> None:
    how = f", {words}" if (words := manner_words(result["manner"])) else ""
    tell(f"run {result['run']:04}, {result['images']} images of the {result['split']} split{how}")
    if result["left_out"]:
        tell(f"{result['left_out']} images were predicted in another way and are left out")
    say_table([{name: figure(value) for name, value in row.items()} for row in result["curve"][12::25]])
    best, used = result["best"], result["at"]
    if best is not None:
        tell(f"best: {figure(best['threshold'])} (IoU {figure(best['iou'])})")
    tell(f"used: {figure(used['threshold'])} (IoU {figure(used['iou'])})")
    if result["before"] != result["threshold"]:
        tell(f"until now: {figure(result['before'])}")
    change = "1 sample changes its" if len(result["flips"]) == 1 else f"{len(result['flips'])} samples change their"
    words = f"{change} verdict (IoU of {figure(result['accept'])}, or empty)"
    tell(words if result["before"] != result["threshold"] else f"with the best, {words}")
    for one in result["flips"][:10]:
        tell(f"  {one['image']}: IoU {figure(one['iou_before'])} to {figure(one['iou'])}")
