"""What every command of the command line is made of: its arguments, its job, its result."""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from segstudio.cli.words import tell

Command = Callable[[argparse.Namespace], int]
"""Runs with its arguments; returns the exit status."""

COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {}


def command(name: str, help_text: str) -> Callable[[Callable[[argparse.ArgumentParser], None]], None]:
    """Registers the function that declares the arguments of a command."""

    def register(declare: Callable[[argparse.ArgumentParser], None]) -> None:
        COMMANDS[name] = (help_text, declare)

    return register


def add_project(parser: argparse.ArgumentParser) -> None:
    """The argument that most commands have."""
    parser.add_argument("project", type=Path, metavar="PROJECT", help="the project's folder")


def given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The arguments that were given; a job's own defaults hold for the rest."""
    return {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}


def perform(job: str, values: dict[str, Any], args: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> int:
    """Run a job and show its result; returns the exit status."""
    show(performed(job, values, args), args, say)
    return 0


def show(result: dict[str, Any], args: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> None:
    """Print a result: as one JSON object, or as `say` does for a person."""
    if args.json:
        # JSON is UTF-8; where standard output is not (a pipe on Windows), plain ASCII with escapes is both.
        is_utf8 = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
        tell(json.dumps(result, ensure_ascii=not is_utf8))
    else:
        say(result)


def performed(job: str, values: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
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
