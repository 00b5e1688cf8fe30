"""Export: what leaves a project."""

import argparse
import os
from pathlib import Path

from segstudio.cli.command import add_project, command, given, perform
from segstudio.cli.words import say_pairs
from segstudio.dataset_formats import DATASET_FORMATS
from segstudio.exporting import EXPORTERS


@command("export", "write masks, a dataset, a model, a report or a comparison for other programs and people")
def _declare_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=["masks", "dataset", "model", "report", "comparison", "study", "bundle"],
        help="what to export; masks alone, or a dataset of images, masks and splits",
    )
    add_project(parser)
    parser.add_argument(
        "--to",
        required=True,
        metavar="PATH",
        help="folder of the masks, where nothing is replaced; new folder of the dataset; HTML file of the report, "
        "comparison or study, CSV of its scores, JSON of all of it; file of the model, or a folder for it; zip of the "
        "bundle for another reader",
    )
    parser.add_argument("--filter", metavar="EXPR", help="which samples; all when not given")
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="of masks: png (0 and 255, when not given), png01 (0 and 1), or volumes (NIfTI as the volumes lay); "
        f"of a dataset: folders (when not given), {_listed(DATASET_FORMATS.names(), but='folders')}; "
        f"of a model: {_listed(EXPORTERS.names())}",
    )
    parser.add_argument(
        "--run",
        metavar="RUN",
        help="of a model, report or predictions: number of a run, best (the champion; default) or last",
    )
    parser.add_argument("--split", choices=["train", "val", "test"], help="of a report: which part is measured; test")
    parser.add_argument(
        "--chosen", metavar="EXPR", help="of a report: which samples are shown besides best, worst, random"
    )
    parser.add_argument("--comparison", type=int, metavar="N", help="which one; the newest when not given")
    parser.add_argument("--study", type=int, metavar="N", help="which one; the newest when not given")
    parser.add_argument(
        "--ignored", type=os.path.abspath, metavar="DIR",
        help="of masks: another folder for what is ignored, as PNG of the same names",
    )  # fmt: skip
    parser.add_argument("--of", choices=["masks", "predictions"], help="of masks: what a run predicts in their place")
    parser.add_argument("--category", metavar="NAME", help="of a dataset: what COCO and YOLO call the foreground")
    parser.add_argument("--reviewer", metavar="NAME", help="of a bundle: whose it is; the name of the settings")
    parser.add_argument("--images", action="store_true", default=None, help="of a bundle: pack the images too")
    parser.set_defaults(command=_export)


def _listed(names: list[str], *, but: str = "") -> str:
    *others, last = (name for name in names if name != but)
    return f"{', '.join(others)} or {last}"


def _export(args: argparse.Namespace) -> int:
    args.to = str(Path(args.to).absolute())
    return perform(
        f"export-{args.what}",
        given(
            args,
            "to",
            "filter",
            "format",
            "run",
            "split",
            "chosen",
            "comparison",
            "study",
            "reviewer",
            "images",
            "ignored",
            "category",
            "of",
        ),
        args,
        say_pairs,
    )
