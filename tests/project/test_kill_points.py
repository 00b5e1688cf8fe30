"""kill -9 at every single call that writes: of mask and ignored region no finished stroke is lost, and undo goes on."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.project.processes import start_python
from tests.project.projects import make_project

DRIVER = '''
import os, shutil, signal, sys, traceback
from pathlib import Path
import numpy as np
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.project.check import check_project
from segstudio.project.documents import close_document, open_document, open_ignored, save_ignored, save_snapshot
from segstudio.project.scores import THRESHOLD
from segstudio.project.project import Project

template, folder, said, names = map(Path, sys.argv[1:])
AFTER = {0: (0, 1), 1: (1, 2), 2: (2, 3), 3: (3, 2), 4: (2,)}  # so many steps were told: which mask there may be
WRITERS = ("write", "fsync", "replace", "rename", "unlink", "ftruncate", "open")


def mask_of(step, start):
    mask = start.copy()
    mask[: 4 * step, 3:50] = 1
    return mask


def live(tell):
    """A stray stroke, undone; three strokes on either layer, saved, sealed and compacted in between, the last undone.

    Then a verdict.
    """
    project = Project.open(folder, is_editor=True)
    sample = project.samples.get(1)
    for name, opened, save in (("mask", open_document, save_snapshot), ("ignored", open_ignored, save_ignored)):
        document = opened(project, sample).document
        start = document.mask.copy()

        def store():
            snapshot = document.snapshot()
            save(project, 1, document.journal, snapshot)
            document.saved(snapshot)

        if name == "mask":  # a stray stroke that is undone: the sample stands as before
            document.replace(mask_of(1, start), "Stray stroke")
            store()
            document.undo()
            store()
            assert project.samples.get(1).state is ReviewState.TODO

        for step in (1, 2, 3):
            document.replace(mask_of(step, start), f"Stroke {step}")
            tell(name)
            if step != 2:
                store()
            if step == 1:
                project.masks.seal([1])
        document.undo()
        tell(name)
        document.journal.compact()
        store()
        close_document(document)
    project.samples.set_state([1], ReviewState.ACCEPTED)
    tell("verdict")
    project.close()


def verify(told):
    with Project.open(folder, is_editor=True) as project:
        if project.read_only:
            yield project.read_only_reason
        sample = project.samples.get(1)
        for name, opened in (("mask", open_document), ("ignored", open_ignored)):
            document, notes = opened(project, sample)
            yield from notes
            start = project.masks.load_original(sample) if name == "mask" else np.zeros((48, 64), np.uint8)
            steps = AFTER[told.count(name)]
            if not any(np.array_equal(document.mask, mask_of(step, start)) for step in steps):
                yield f"{name}: neither of {steps}"
            while document.undo():
                pass
            if not np.array_equal(document.mask, start):
                yield f"{name}: undo ends elsewhere"
            close_document(document)
        counts = project.predictions.counts(1)[1]
        ignored = project.ignored.load(sample)
        wanted = Counts.of(project.masks.load(sample), project.predictions.load(1, sample) >= THRESHOLD, ignored)
        if counts != wanted:
            yield f"figures are of another mask or region: {counts}, not {wanted}"
        if "verdict" in told and project.samples.get(1).state is not ReviewState.ACCEPTED:
            yield "the verdict is lost"
        for finding in check_project(project, ListReporter()):
            if finding.severity != "mended":
                yield f"{finding.path}: {finding.text}"


def run(at, how):
    """Live in a process of its own, which dies at call number `at`; what it told, and whether it died."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    said.write_text("")
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return said.read_text().split(), os.WIFSIGNALED(status), status
    try:
        really, out, log = os.write, os.open(said, os.O_WRONLY | os.O_APPEND), []

        def watched(name, real):
            def call(*arguments, **options):
                log.append(name)
                if len(log) == at:
                    if how == "torn":
                        real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)
            return call

        for name in WRITERS:
            setattr(os, name, watched(name, getattr(os, name)))
        live(lambda word: really(out, f"{word} ".encode()))
        names.write_text(" ".join(log))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


told, _, status = run(0, "")
calls = names.read_text().split() if not status else []
failures = 0 if len(told) == 9 and "write" in calls and "replace" in calls else 1
for at, name in enumerate(calls, start=1):
    for how in ("whole", "torn") if name == "write" else ("whole",):
        told, is_dead, _ = run(at, how)
        wrong = [*map(str, verify(told)), *([] if is_dead else ["it lives"])]
        if wrong:
            failures += 1
            print(f"killed {how} at {at} ({name}), after {told[-1:]}: {wrong}", flush=True)
print(len(calls), failures, flush=True)
'''


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is copied before each of its deaths")
def test_whatever_call_a_process_dies_at_no_finished_stroke_is_lost(tmp_path: Path) -> None:
    with make_project(tmp_path, 2) as project:
        run = project.runs.create("p", "m", {}, "scratch").id
        for sample in project.samples.all():
            project.predictions.save(run, sample, np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8))
        project.predictions.set_current(run)
        project.predictions.score(run)
    places = [tmp_path / name for name in ("project", "copy", "said", "names")]
    said, errors = start_python(DRIVER, places).communicate()
    assert errors == ""
    calls, failures = map(int, said.splitlines()[-1].split())
    assert failures == 0, said
    assert calls > 40
