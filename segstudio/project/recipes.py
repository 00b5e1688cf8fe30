"""Recipes: the program's own, and those of the project in recipes/NAME.json.

A recipe's name is its file's name without the extension, and that of its folder below augmented/.
"""

import contextlib
import hashlib
import re
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from segstudio.augmentation.recipe import NONE, Recipe, built_in_recipes, read_recipe
from segstudio.core.errors import UserError
from segstudio.core.files import is_device, write_atomically
from segstudio.project.stems import folded

if TYPE_CHECKING:
    from segstudio.project.project import Project

MAX_LENGTH = 60
"""Longest name, in characters: below 255 bytes in any script, with room for an extension."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')


class Broken(NamedTuple):
    """A file in recipes/ that is no recipe, or cannot be one under its name.

    Attributes:
        path: Below the project, with forward slashes.
        reason: What is wrong with it.
    """

    path: str
    reason: str


class Recipes:
    """The recipes that can be chosen in a project."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    @property
    def folder(self) -> Path:
        """Where the project's recipes lie; it may not be there yet."""
        return self._project.folder / "recipes"

    def all(self) -> list[Recipe]:
        """The program's recipes, then the project's in the order of their names; broken files are left out.

        Only the form of the files is looked at, so that Albumentations need not be loaded.
        """
        return [*built_in_recipes().values(), *self._read(is_checked=False)[0]]

    def broken(self, *, is_checked: bool = False) -> list[Broken]:
        """The files in recipes/ that are no recipes, with the reason.

        Args:
            is_checked: Whether every step is held against Albumentations too, which loads it.
        """
        return self._read(is_checked=is_checked)[1]

    def names(self) -> list[str]:
        """The names of all recipes, without reading the project's: a broken one is among them."""
        return [*built_in_recipes(), *(path.stem for path in self._files() if not _is_ours(path.stem))]

    def get(self, name: str) -> Recipe:
        """The recipe of that name, or the one in a file; `none` is one without steps.

        The steps of a recipe by name are not held against Albumentations; `Recipe.require_valid` does that.

        Args:
            name: A name, or the path of a file that ends in .json (ours, or Albumentations' own serialisation).

        Raises:
            UserError: When there is none, with the nearest names, or when its file is broken.
        """
        if folded(name) == NONE:
            return Recipe(NONE, "None", "Nothing is changed.", ())
        if (ours := built_in_recipes().get(name)) is not None:
            return ours
        if (path := self._path(name)) is not None:
            return replace(read_recipe(path, is_checked=False), name=path.stem)
        if _is_path(name):
            file = Path(name).expanduser()
            if not file.is_file():
                raise UserError(f"there is no recipe file {name}", "say a recipe's name, or the path of a .json file")
            return read_recipe(file)
        near = get_close_matches(name, self.names(), n=3) or self.names()
        raise UserError(f"there is no recipe called {name!r}", f"did you mean {', '.join(near)}?")

    def is_own(self, name: str) -> bool:
        """Whether the project has a recipe of that name, which can be changed and deleted; the program's cannot."""
        return name not in built_in_recipes() and self._path(name) is not None

    def save(self, recipe: Recipe) -> None:
        """Write a recipe into the project, in place of the one of that name.

        Raises:
            UserError: When the name is one of the program's, or no file can have it.
            ReadOnlyProject: When the project is not to be changed.
        """
        self._project.require_writable()
        self.check_name(recipe.name)
        path = self._path(recipe.name) or self.folder / f"{recipe.name}.json"
        write_atomically(path, recipe.to_json().encode())
        self._tell()

    def delete(self, name: str) -> None:
        """Delete a recipe of the project; copies that were made with it stay.

        Raises:
            UserError: When the project has none of that name.
        """
        self._project.require_writable()
        path = None if name in built_in_recipes() else self._path(name)
        if path is None:
            raise UserError(f"the project has no recipe called {name!r}", "recipes of the program cannot be deleted")
        path.unlink(missing_ok=True)
        self._tell()

    def check_name(self, name: str) -> None:
        """Raise UserError when a recipe of the project cannot have that name."""
        if not name.strip():
            raise UserError("a recipe wants a name", "for example: lens-dirt-strong")
        if _is_ours(name):
            raise UserError(f"{name!r} is a recipe of the program", "choose another name")
        if folder_name(name) != name:
            raise UserError(f"no file can be called {name!r}", f"choose another name, for example {plain_name(name)}")

    def free_name(self, title: str) -> str:
        """A name for a new recipe that is like `title` and that none has yet."""
        wanted, taken = plain_name(title), {folded(name) for name in (*self.names(), NONE)}
        name, number = wanted, 2
        while folded(name) in taken:
            name = f"{wanted}-{number}"
            number += 1
        return name

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"), key=lambda path: folded(path.stem))

    def _path(self, name: str) -> Path | None:
        """The file of one of the project's recipes, whatever the case of its letters."""
        if _is_ours(name) or folder_name(name) != name:
            return None
        return next((path for path in self._files() if folded(path.stem) == folded(name)), None)

    def _read(self, *, is_checked: bool) -> tuple[list[Recipe], list[Broken]]:
        recipes, broken = [], []
        for path in self._files():
            try:
                self.check_name(path.stem)
                recipes.append(replace(read_recipe(path, is_checked=is_checked), name=path.stem))
            except (UserError, OSError) as error:
                broken.append(Broken(f"recipes/{path.name}", str(error)))
        return recipes, broken

    def _tell(self) -> None:
        self._project.changed.emit(frozenset({"recipes"}))


def folder_name(name: str) -> str:
    """The name of a recipe's file and of its folder below augmented/: the name itself when every system allows it.

    Characters that some system forbids become a minus, and a sign tells it from others that would be the same.
    """
    plain = _UNSAFE.sub("-", name).strip(" .")[:MAX_LENGTH].strip(" .")
    with contextlib.suppress(UnicodeEncodeError):
        plain.encode()
        if plain == name and plain and not is_device(plain):
            return name
    sign = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    plain = plain.encode(errors="ignore").decode()[: MAX_LENGTH - 10].strip(" .") or "recipe"
    return f"_{plain}~{sign}" if is_device(plain) else f"{plain}~{sign}"


def plain_name(title: str) -> str:
    """A title as a short name of small letters: "Lens dirt, strong" becomes "lens-dirt-strong"."""
    words = re.findall(r"[^\W_]+", title.casefold())
    name = "-".join(words)[: MAX_LENGTH - 10].strip("-") or "recipe"
    return f"{name}-recipe" if is_device(name) else name


def _is_ours(name: str) -> bool:
    return folded(name) == NONE or folded(name) in map(folded, built_in_recipes())


def _is_path(name: str) -> bool:
    return name.lower().endswith(".json") or "/" in name or "\\" in name
