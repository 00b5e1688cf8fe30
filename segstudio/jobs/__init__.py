"""Jobs: one file, one thing the program can do, in the window and without it.

A job is its options and `perform`; it speaks through a Reporter alone. The same class serves the worker process, the
command line and the tests. Heavy libraries are imported inside `run`, because the window imports this package too.

A file whose first words are a command ("judge: ...") is that job; every other file here is what several jobs share.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from segstudio.core.options import Options, checked
from segstudio.core.registry import Registry
from segstudio.core.reporter import Reporter
from segstudio.project.project import Project
from segstudio.project.topics import Topics

O = TypeVar("O", bound=Options)  # noqa: E741 - the options of one job


class Job(ABC, Generic[O]):
    """Something the program can do.

    Attributes:
        name: What the command line and the wire call it.
        title: What the window calls it.
        lane: Jobs of one lane run one after the other; `io` jobs go on beside a training.
        topics: What changes in the project when the job ends, for `Project.changed`.
        Options: The model of its options.
        options: The options of this job.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    lane: ClassVar[Literal["compute", "io"]] = "io"
    topics: ClassVar[Topics] = frozenset()
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: O) -> None:
        self.options = options

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Job[Any]":
        """The job with options from plain values; UserError when one is wrong."""
        return cls(checked(cls.Options, values))  # type: ignore[arg-type]

    @abstractmethod
    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Do it to the project in `folder`.

        Returns:
            The result as plain JSON values; the command line prints it for --json.

        Raises:
            UserError: When the world is not as it must be.
            Cancelled: When the user stopped it and there is nothing to keep.
        """


class ProjectJob(Job[O]):
    """A job on a project that exists already."""

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Open the project, run, close."""
        with Project.open(folder) as project:
            return self.run(project, report)

    @abstractmethod
    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Do it to `project`; see `perform`."""


JOBS: Registry[Job[Any]] = Registry("segstudio.jobs", "job")
