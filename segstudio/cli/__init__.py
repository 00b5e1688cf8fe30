"""The command line: every job without a window, and the door to the window.

`--json` prints exactly one JSON object on standard output; progress and logs go to standard error. Exit status 0 is
done, 1 is `error: ...` (and `hint: ...`) on standard error, 2 is wrong usage.

A command is declared in the section it belongs to; command.py has what all of them are made of, words.py how results
are said.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from segstudio import __version__
from segstudio.cli import augmentation, experiments, export, projects, runs, samples, training
from segstudio.cli.command import COMMANDS, Command
from segstudio.core.errors import UserError, of_system
from segstudio.core.reporter import Cancelled

SECTIONS = (projects, samples, augmentation, training, runs, experiments, export)
"""Where the commands are, in the order of a project's life: the order of `--help`."""


EXPRESSIONS = ("--filter", "--groups", "--chosen", "--window")
"""Options whose value may begin with a minus: it means "not" in a filter, and is that of a number in a window."""


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
    args = parser.parse_args(_with_expressions(_with_open(arguments)))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segstudio", description="Review, correct and retrain binary image segmentation."
    )
    parser.add_argument("--version", action="version", version=f"segstudio {__version__}")
    commands = parser.add_subparsers(dest="name", metavar="COMMAND", required=True)
    order = [section.__name__ for section in SECTIONS]
    for name, (help_text, declare) in sorted(COMMANDS.items(), key=lambda one: order.index(one[1][1].__module__)):
        one = commands.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".")
        declare(one)
        if name != "open":
            one.add_argument("--json", action="store_true", help="print exactly one JSON object on standard output")
    return parser


def _with_expressions(arguments: list[str]) -> list[str]:
    """`--filter -split:test` with the expression as the option's value, which argparse takes for another option."""
    found: list[str] = []
    for argument in arguments:
        is_negated = argument.startswith("-") and not argument.startswith("--") and argument != "-h"
        if found and found[-1] in EXPRESSIONS and is_negated:
            found[-1] += f"={argument}"
        else:
            found.append(argument)
    return found


def _with_open(arguments: list[str]) -> list[str]:
    """`segstudio` and `segstudio PATH` mean `segstudio open [PATH]`."""
    if not arguments:
        return ["open"]
    if arguments[0] in COMMANDS or arguments[0].startswith("-"):
        return arguments
    return ["open", *arguments] if os.path.exists(arguments[0]) else arguments  # noqa: PTH110 - of any text
