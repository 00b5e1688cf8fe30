"""Augmentation: recipes and the copies made by them."""

import argparse
from typing import Any

from segstudio.cli.command import add_project, command, given, perform
from segstudio.cli.words import say_pairs, say_table, tell
from segstudio.core.wording import count_text


@command("recipes", "list the augmentation recipes of a project, or check what one of them would spoil")
def _declare_recipes(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--check", metavar="NAME|FILE", help="try this one on a few training samples")
    parser.set_defaults(command=_recipes)


def _recipes(args: argparse.Namespace) -> int:
    if args.check is not None:
        return perform("check-recipe", {"recipe": args.check}, args, _say_check)
    return perform("recipes", {}, args, _say_recipes)


def _say_check(result: dict[str, Any]) -> None:
    for one in result["findings"]:
        tell(f"{one['severity']}: {one['step'] or 'the whole recipe'}: {one['message']}")
        if one["hint"]:
            tell(f"  hint: {one['hint']}")
    tell(f"{result['recipe']}: {result['errors']} errors, {result['warnings']} warnings")


def _say_recipes(result: dict[str, Any]) -> None:
    say_table([{**row, "steps": ", ".join(row["steps"])} for row in result["recipes"]])


@command("augment", "make copies of the training samples by a recipe")
def _declare_augment(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE", help="a recipe's name, or a .json file")
    parser.add_argument("--copies", type=int, metavar="N", help="copies of each sample; 3 when not given")
    parser.add_argument("--filter", metavar="EXPR", help="which training samples; all when not given")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed makes the same copies")
    parser.set_defaults(command=_augment)


def _augment(args: argparse.Namespace) -> int:
    return perform("augment", given(args, "recipe", "copies", "filter", "seed"), args, say_pairs)


@command("copies", "list the copies made by a recipe; reject single ones, let them in again, or delete all")
def _declare_copies(parser: argparse.ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--recipe", required=True, metavar="NAME", help="the recipe that made them")
    parser.add_argument("--reject", nargs="+", metavar="COPY", help="names that training leaves out; * is anything")
    parser.add_argument("--restore", nargs="+", metavar="COPY", help="names that training takes again")
    parser.add_argument("--delete", action="store_true", help="delete all of them; augment makes the same ones again")
    parser.set_defaults(command=_copies)


def _copies(args: argparse.Namespace) -> int:
    values = given(args, "recipe", "reject", "restore") | ({"delete": True} if args.delete else {})
    return perform("copies", values, args, _say_copies)


def _say_copies(result: dict[str, Any]) -> None:
    names = ("name", "source", "number", "seed", "rejected", "stale")
    say_table([{name: row[name] for name in names} for row in result["copies"]])
    if result["deleted"]:
        tell(f"deleted: {count_text(result['deleted'], 'copy', 'copies')}")
    else:
        tell(f"{count_text(len(result['copies']), 'copy', 'copies')}, {result['usable']} of them are learnt from")
