"""Samples and their masks: listed, judged, left out, checked, held against another reader's."""

import argparse
import os
from typing import Any

from segstudio.cli.command import add_project, command, given, perform, show
from segstudio.cli.words import figure, say_pairs, say_table, tell
from segstudio.core.errors import UserError
from segstudio.core.percentage import percent
from segstudio.core.wording import count_text


@command("list", "list samples")
def _declare_list(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--filter", metavar="EXPR", help="for example: state:todo split:test iou<0.8 name:*lens*")
    parser.add_argument(
        "--sort",
        metavar="KEY",
        help="name, iou (worst first), uncertainty, work, suspicion, unseen, changed, lint, dice, state, split",
    )
    parser.set_defaults(command=_list)


def _list(args: argparse.Namespace) -> int:
    return perform("list", given(args, "filter", "sort"), args, _say_samples)


def _say_samples(result: dict[str, Any]) -> None:
    say_table(result["samples"])
    if count := result["test_shown"]:
        images, times = count_text(count, "sample"), result["test_looks"]
        tell(f"with figures of {images} of the test split: this project has looked at it "
             f"{'once' if times == 1 else f'{times} times'}; --filter -split:test leaves them out")  # fmt: skip


@command("ignore", "take regions that are neither learnt from nor measured, write them, or forget them")
def _declare_ignore(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--from", dest="source", metavar="DIR", help="pictures named as the images; not black: ignored")
    parser.add_argument("--to", metavar="DIR", help="write the regions there, as PNG of 0 and 255")
    parser.add_argument("--clear", action="store_true", default=None, help="ignore nothing any more")
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.set_defaults(command=_ignore)


def _ignore(args: argparse.Namespace) -> int:
    return perform("ignore", given(args, "source", "to", "clear", "filter"), args, _say_ignored)


def _say_ignored(result: dict[str, Any]) -> None:
    for name in ("changed", "written"):
        if name in result:
            tell(f"{name}: {result[name]}")
    say_table([{"image": one["image"], "ignored": percent(one["share"], 2)} for one in result["samples"]])
    for note in result["notes"]:
        tell(f"  {note['path']}: {note['reason']}")


@command("import-bundle", "hold another reader's masks against one's own")
def _declare_import_bundle(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("file", type=os.path.abspath, metavar="FILE.zip", help="what the other has exported")
    parser.set_defaults(command=_import_bundle)


def _import_bundle(args: argparse.Namespace) -> int:
    return perform("import-bundle", {"file": args.file}, args, _say_agreement)


@command("agreement", "say how far other readers' masks are the same as one's own")
def _declare_agreement(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.set_defaults(command=_agreement)


def _agreement(args: argparse.Namespace) -> int:
    def say(result: dict[str, Any]) -> None:
        for one in result["readers"]:
            _say_agreement(one)
        if not result["readers"]:
            tell("no bundle of another reader was imported")

    return perform("agreement", {}, args, say)


def _say_agreement(result: dict[str, Any]) -> None:
    say_table(
        [
            {
                "image": one["image"], "dice": one["dice"], "kappa": one["kappa"], "different": one["different"],
                "mine": one["mine"], "theirs": one["theirs"], "comment": one["comment"],
            }
            for one in result["per_image"]
        ]
    )  # fmt: skip
    tell(
        f"{result['reader']} (run {result['run']:04}): {result['samples']} samples with two masks, "
        f"mean Dice {figure(result['dice'])}, mean kappa {figure(result['kappa'])}, "
        f"the same verdict on {figure(result['same_verdict'])} of {result['both_judged']} that both have judged"
    )


@command("judge", "give verdicts, move between splits or comment, on all samples of a filter")
def _declare_judge(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--filter", required=True, metavar="EXPR", help="which samples; an empty text is all")
    parser.add_argument("--state", choices=["todo", "accepted", "flagged", "rejected"], help="the verdict")
    parser.add_argument("--split", choices=["train", "val"], help="move them there; the test split is frozen")
    parser.add_argument("--comment", metavar="TEXT", help="in place of the one there is; empty takes it back")
    parser.add_argument("--reviewer", metavar="NAME", help="whose verdict; the name of the settings when not given")
    parser.set_defaults(command=_judge)


def _judge(args: argparse.Namespace) -> int:
    return perform("judge", given(args, "filter", "state", "split", "comment", "reviewer"), args, say_pairs)


@command("lint", "find masks or predictions whose shape is unusual")
def _declare_lint(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--what", choices=["masks", "predictions", "both"], help="masks when not given")
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.add_argument("--learn", action="store_true", help="learn the rules anew from the accepted masks")
    parser.set_defaults(command=_lint)


def _lint(args: argparse.Namespace) -> int:
    return perform("lint", given(args, "what", "filter") | {"learn": args.learn}, args, _say_lint)


def _say_lint(result: dict[str, Any]) -> None:
    if result["learnt_from"] is not None:
        tell(f"what is usual was learnt from {result['learnt_from']} masks")
    for what, count in result["checked"].items():
        tell(f"{count} {what} checked")
    rows = result["unusual"]
    say_table([{"score": one["score"], "image": one["image"], "what": one["what"],
                 "unusual": "; ".join(one["findings"])} for one in rows])  # fmt: skip


@command("accept", "accept many predictions or masks after checking a few random ones")
def _declare_accept(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
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
    parser.add_argument(
        "--finish",
        action="store_true",
        help="go on with an accept that was ended in the middle; no other option counts",
    )
    parser.set_defaults(command=_accept)


def _accept(args: argparse.Namespace) -> int:
    values = given(args, "what", "filter", "audit", "seed", "answers", "reviewer")
    values |= {"replace_corrected": args.replace_corrected, "finish": args.finish}
    return perform("accept", values, args, _say_accept)


def _say_accept(result: dict[str, Any]) -> None:
    for reason, count in result["left_out"].items():
        tell(f"{count} stay as they are: {reason}")
    if result["replaced"] or result["replaced_by_person"]:
        by_person = f", {result['replaced_by_person']} that a person made or judged" * bool(
            result["replaced_by_person"]
        )
        tell(f"predictions take the place of {result['replaced']} masks of the dataset{by_person}")
    tell(result["words"])
    if result["accepted"] is not None:
        tell(f"{result['accepted']} {result['what']} accepted; `segstudio undo PROJECT` takes it back")
        return
    tell(f"check these, then give --seed {result['seed']} --answers FILE.csv:")
    for image in result["check"]:
        tell(f"  {image}")


@command("bound", "say how many wrong ones there are at most, after some random ones were checked")
def _declare_bound(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checked", type=int, required=True, metavar="K", help="how many were checked")
    parser.add_argument("--wrong", type=int, required=True, metavar="W", help="how many of these were wrong")
    parser.add_argument("--of", type=int, metavar="N", help="how many there are")
    parser.set_defaults(command=_bound)


def _bound(args: argparse.Namespace) -> int:
    from segstudio.core.audit import CONFIDENCE, percent_up, upper_bound

    try:
        bound = upper_bound(args.checked, args.wrong, args.of)
    except ValueError as error:
        raise UserError(f"these numbers cannot be: {error}", "wrong <= checked <= of") from error
    result = {"checked": args.checked, "wrong": args.wrong, "of": args.of, "bound": bound, "confidence": CONFIDENCE}
    show(result, args, lambda one: tell(f"at most {percent_up(one['bound'])} are wrong (95 % sure)"))
    return 0
