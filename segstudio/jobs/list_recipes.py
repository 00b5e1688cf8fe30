"""recipes: list those that can be chosen in a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.augmented import Copy
from segstudio.project.project import Project


@JOBS.register
class ListRecipes(ProjectJob[Any]):
    """One row a recipe: the program's first, then the project's, then those that only copies are left of."""

    name: ClassVar[str] = "recipes"
    title: ClassVar[str] = "List recipes"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `recipes`; files that are no recipes under `notes` [{path, reason}]."""
        recipes = project.recipes.all()
        known = {one.name for one in recipes}
        copies = {name: project.augmented.copies(name) for name in project.augmented.recipes()}
        rows = [
            {
                "recipe": one.name,
                "title": one.title,
                "whose": "project" if project.recipes.is_own(one.name) else "program",
                "steps": [step.transform for step in one.active],
            }
            for one in recipes
        ]
        rows += [{"recipe": name, "title": name, "whose": "gone", "steps": []} for name in copies if name not in known]
        broken = project.recipes.broken(is_checked=True)
        for one in broken:
            report.note(one.path, one.reason)
        return {
            "recipes": [{**row, **_counted(copies.get(str(row["recipe"]), []))} for row in rows],
            "notes": [one._asdict() for one in broken],
        }


def _counted(copies: list[Copy]) -> dict[str, int]:
    """How many copies there are, and how many of them are not learnt from."""
    return {
        "copies": len(copies),
        "rejected": sum(one.is_rejected for one in copies),
        "stale": sum(one.is_stale for one in copies),
    }
