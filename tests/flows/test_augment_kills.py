"""kill -9 of the worker while it makes copies: no pair is half-written, and the next job repeats nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segstudio.core.reporter import ListReporter
from segstudio.formats import read_image, read_mask_values
from segstudio.jobs import JOBS
from segstudio.project.check import check_project
from segstudio.project.copy_writer import hash_of
from segstudio.project.project import Project

OPTIONS = {"copies": 40, "seed": 3}


def kill_after(project: Path, recipe: str, copies: int) -> None:
    """Let a worker make copies until it says that so many are there, and end it without warning."""
    job = {"id": "1", "job": "augment", "project": str(project), "options": OPTIONS | {"recipe": recipe}}
    with subprocess.Popen(
        [sys.executable, "-m", "segstudio.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
    ) as worker:  # fmt: skip
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        for line in worker.stdout:
            event = json.loads(line)
            assert event["event"] not in ("finished", "failed"), event
            if event["event"] == "progress" and "copies" in event["text"] and event["done"] >= copies:
                break
        worker.kill()


def whole_pairs(project: Project, recipe: str) -> dict[str, tuple[bytes, bytes, int]]:
    """The copies by name, with their bytes and when their images were written; every one of them can be read."""
    found = {}
    for copy in project.augmented.copies(recipe):
        image, mask = read_image(copy.image_file), read_mask_values(copy.mask_file)
        assert image.shape[:2] == mask.shape
        data = copy.image_file.read_bytes(), copy.mask_file.read_bytes()
        assert hash_of(*data) == copy.sha256
        found[copy.name] = (*data, copy.image_file.stat().st_mtime_ns)
    return found


@pytest.mark.parametrize(("recipe", "copies"), [("chest-xray", 1), ("lens-dirt", 60), ("chest-xray", 150)])
def test_a_killed_worker_leaves_whole_pairs_and_the_next_one_goes_on(project: Path, recipe: str, copies: int) -> None:
    options = OPTIONS | {"recipe": recipe}
    kill_after(project, recipe, copies)
    with Project.open(project) as seen:
        before = whole_pairs(seen, recipe)
        folder = seen.augmented.folder(recipe)
        for image in (folder / "images").rglob("*-*.png"):
            read_image(image)
            read_mask_values(folder / "masks" / image.relative_to(folder / "images")), "no image without its mask"
        assert len(before) >= copies
        result = JOBS["augment"].from_values(options).perform(project, ListReporter())
        after = whole_pairs(seen, recipe)
        assert result["kept"] == len(before), "what was there is not made again"
        assert result["written"] == len(after) - len(before) > 0
        assert {name: after[name] for name in before} == before, "nor written again"
        assert check_project(seen, ListReporter(), is_thorough=True) == []
        uninterrupted = {name: pair[:2] for name, pair in after.items()}
        seen.augmented.remove(recipe)
        JOBS["augment"].from_values(options).perform(project, ListReporter())
        assert {name: pair[:2] for name, pair in whole_pairs(seen, recipe).items()} == uninterrupted
