"""Walk: from error to error over all listed samples, the worst first, and the decisions about each.

Images of the test split are left out as long as nobody has looked at how right the run is there, see `project.looks`:
the order of their errors, their number and size would tell it. What a person points at there can be decided all the
same.

Where the errors are is known from the index, so no file is read to find the next one. Those of the sample on screen are
found anew, in a thread, whenever its mask changes: what a person asks for waits until that is done, so that a key
pressed early means the same as one pressed late.
"""

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from segstudio.core.blobs import Blob, Errors, Kind, is_kept, worst_open
from segstudio.core.edit import Patch
from segstudio.core.errors import UserError
from segstudio.core.labels import without_errors
from segstudio.core.mask import Mask, Rect
from segstudio.core.raster import EMPTY_REGION, Region
from segstudio.core.sample import Sample
from segstudio.core.threshold import predicted_at
from segstudio.core.wording import count_text
from segstudio.project.blob_table import MOST
from segstudio.project.walk_order import WalkOrder
from segstudio.ui.background import Background
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.canvas.pixel_info import PixelInfo
from segstudio.ui.session import Session

Decision = Literal["take", "keep", "fill", "erase"]

_TITLES: dict[Decision, str] = {
    "take": "Take prediction here", "keep": "Keep mask here", "fill": "Fill error", "erase": "Erase error",
}  # fmt: skip

_OF_SELECTION: dict[Decision, str] = {
    "take": "Take prediction in selection", "keep": "Keep mask in selection", "fill": "Fill errors in selection",
    "erase": "Erase errors in selection",
}  # fmt: skip
_OF_ALL: dict[Decision, str] = {
    "take": "Take whole prediction", "keep": "Keep whole mask", "fill": "Fill all errors", "erase": "Erase all errors",
}  # fmt: skip

_OF_READERS = {Kind.FALSE_POSITIVE: "only in theirs", Kind.FALSE_NEGATIVE: "only in yours"}
"""What errors are called when another reader's mask stands in the place of the prediction."""

_PAUSE_MS = 120
"""Errors are found again so long after the last stroke, unless somebody waits for them."""

_DECIDED = 16
"""The decisions about so many samples are remembered until they are surely stored."""

_AHEAD = 3
"""The images of so many blobs to come are read ahead."""


@dataclass(eq=False)
class Place:
    """A blob that was visited."""

    sample_id: int
    blob: Blob
    is_there: bool = True


@dataclass(frozen=True, eq=False)
class _Found:
    """The errors of the sample on screen.

    Attributes:
        counter: Of the changes of mask and ignored region, when they were looked for.
        run: Whose errors.
        level: At which threshold.
        errors: All of them.
        kept: Where somebody has decided that the mask is right, or None.
        blobs: The worst of the others.
    """

    sample: Sample
    counter: int
    run: int
    level: int
    errors: Errors
    kept: Mask | None
    blobs: list[Blob]


class Walk(QObject):
    """Goes from error to error and carries out decisions.

    Attributes:
        place: Where the walk is, or None before it began.
        goes_on: Whether a decision about the place leads to the next one.
    """

    changed = Signal()
    """The walk is at another place, or something is known about it."""
    told = Signal(str, str)
    """Something a person should know; message and hint."""

    def __init__(
        self, session: Session, panes: Panes, listed: Callable[[], NDArray[np.int64]], parent: QObject
    ) -> None:
        """Walk over the samples whose ids `listed` tells."""
        super().__init__(parent)
        self._session = session
        self._panes = panes
        self._listed = listed
        self.place: Place | None = None
        self.goes_on = True
        self._order: WalkOrder | None = None
        self._before: WalkOrder | None = None
        self._run: int | None = None
        self._is_loading = False
        self._trail: list[Place] = []
        self._at = -1
        self._found: _Found | None = None
        self._is_finding = False
        self._here: PixelInfo | None = None
        self._decided: dict[tuple[int, int], Mask] = {}
        # What is to be done, and whether that needs the errors of all samples.
        self._acts: deque[tuple[Callable[[], None], bool]] = deque()
        self._selected = ""
        self._is_closed = False
        self._thread = Background("errors", self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._find)
        session.sample_changed.connect(self._take_sample)
        session.history_changed.connect(self._take_edit)
        session.level_changed.connect(lambda _level: self._take_edit())
        session.probability_changed.connect(lambda _probability: self._take_sample())
        session.predicted.connect(self._take_predictions)
        panes.pointed.connect(self._point)
        panes.selection_changed.connect(self._tell)

    # what is asked for

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked for is not done yet."""
        return bool(self._acts) or self._thread.is_busy or self._pause.isActive()

    @property
    def is_here(self) -> bool:
        """Whether the place of the walk is on screen."""
        sample = self._session.sample
        return self.place is not None and sample is not None and sample.id == self.place.sample_id

    @property
    def words(self) -> str:
        """Where the walk is: "error 3 of 127 · false positive · 412 px · 14 px deep"; empty before it began."""
        if not self._panes.selection.is_empty:
            if not self._selected:
                self._selected = self._words_of_selection()
            return self._selected
        if self._is_loading:
            return "looking for errors…"
        if self.place is None or self._order is None or not self.is_here:
            return ""
        blob = self.place.blob
        count = len(self._trail) + self._order.count(self._listed())
        reader = self._session.reader
        what, kind = ("difference", _OF_READERS[blob.kind]) if reader else ("error", str(blob.kind))
        parts = [f"{what} {self._at + 1} of {count}", kind]
        if not self.place.is_there:
            return "  ·  ".join([*parts, "mended"])
        area = f"{blob.area:,}".replace(",", "\u202f")
        sample = self._session.sample
        is_far = sample is not None and blob.depth >= int(math.hypot(sample.height, sample.width))
        parts += [f"{area} px", "the mask has no boundary" if is_far else f"{blob.depth:.0f} px deep"]
        found = self._found
        if found is not None and found.kept is not None and is_kept(found.errors, blob, found.kept):
            parts.append("settled")
        return "  ·  ".join(parts)

    def _words_of_selection(self) -> str:
        """What is selected: "selection · 1 204 of 9 000 px differ"."""
        document, probability, region = self._session.document, self._probability, self._panes.selection.region
        parts = ["selection", f"{int(np.count_nonzero(region.inside)):,} px"]
        if document is not None and probability is not None:
            wrong = document.mask[region.rect.slices] != (probability[region.rect.slices] >= self._session.level)
            if (ignored := self._session.ignored) is not None:
                wrong &= ignored.mask[region.rect.slices] == 0
            parts[1] = f"{int(np.count_nonzero(wrong & region.inside)):,} of {parts[1]} differ"
        return "  ·  ".join(parts).replace(",", "\u202f")

    def step(self, by: int) -> None:
        """Go to the next error, or back to the one before."""
        self._ask(self._advance if by > 0 else self._return)

    def decide(self, decision: Decision) -> None:
        """Decide about the selection, else about the error under the pointer, else about the one the walk is at."""
        region = self._panes.selection.region
        if not region.rect.is_empty:
            self._ask_about_mask(partial(self._carry_out_in, decision, region, _OF_SELECTION[decision]))
            return
        spot = None if self._here is None else (self._here.x, self._here.y)
        self._ask_about_mask(partial(self._carry_out, decision, spot))

    def decide_all(self, decision: Decision) -> None:
        """Decide about everything on this sample that mask and prediction differ in, within the tolerance too."""
        document = self._session.document
        if document is not None:
            whole = Region(Rect.of(document.shape), np.broadcast_to(np.True_, document.shape))
            self._ask_about_mask(partial(self._carry_out_in, decision, whole, _OF_ALL[decision], is_whole=True))

    def select_thing(self) -> None:
        """Select what mask and prediction together show as one under the pointer, else at the place of the walk."""
        spot = None if self._here is None else (self._here.x, self._here.y)
        self._ask_about_mask(partial(self._select_thing, spot))

    def forget(self) -> None:
        """Begin anew: another run, or another tolerance."""
        self._order = self._before = self._found = None
        self._is_loading = False
        self._trail, self._at, self.place = [], -1, None
        self._decided.clear()
        self._tell()

    def close(self) -> None:
        """End the thread, soon even when it looks for errors in many samples."""
        self._is_closed = True
        self._acts.clear()
        self._pause.stop()
        self._thread.close()

    # one after the other, as soon as all is known that it needs

    def _ask_about_mask(self, act: Callable[[], None]) -> None:
        """Ask for what is about the mask as it is on screen now: it is never done to another one."""
        self._panes.finish_stroke()
        meant = self._on_screen

        def do() -> None:
            if self._on_screen == meant:
                act()
                return
            is_same = meant is not None and self._session.sample is not None and meant[0] == self._session.sample.id
            why = "its mask has changed" if is_same else "another sample is on screen"
            self.told.emit(f"Nothing was decided: {why} by now.", "Its errors were not found yet. Decide again.")

        self._ask(do, of_all=False)

    @property
    def _on_screen(self) -> tuple[int, int] | None:
        """Which sample is on screen, and which of its masks."""
        sample, document = self._session.sample, self._session.document
        if sample is None:
            return None
        return sample.id, -1 if document is None else self._session.change_counter

    def _ask(self, act: Callable[[], None], *, of_all: bool = True) -> None:
        """Do it as soon as the errors on screen are known; `of_all`: and those of all samples."""
        if self._session.project.predictions.current() is None:
            self.told.emit("There are no predictions yet.", "Train, then predict: errors are where they differ.")
            return
        self._panes.finish_stroke()
        self._acts.append((act, of_all))
        self._go_on()

    def _go_on(self) -> None:
        while self._acts and self._is_ready(of_all=self._acts[0][1]):
            act, _ = self._acts.popleft()
            act()

    def _is_ready(self, *, of_all: bool) -> bool:
        """Whether all is known; what is not is asked for."""
        if self._order is None and of_all:
            self._load()
            return False
        if self._session.is_busy:
            return False
        if self._is_known:
            return True
        self._find()
        return False

    @property
    def _is_known(self) -> bool:
        """Whether the errors on screen are those of the mask as it is now, or there are none to know."""
        document, found = self._session.document, self._found
        if document is None or self._probability is None:
            return True
        if found is None or found.level != self._session.level:
            return False
        return found.counter == self._session.change_counter and not self._is_stroke_open

    @property
    def _is_stroke_open(self) -> bool:
        """Whether somebody paints right now, on the mask or on what is ignored."""
        both = (self._session.document, self._session.ignored)
        return any(one is not None and one.is_stroke_open for one in both)

    @property
    def _probability(self) -> NDArray[np.uint8] | None:
        loaded = self._session.loaded
        return None if loaded is None else loaded.probability

    def _load(self) -> None:
        if self._is_loading or self._is_closed:
            return
        self._is_loading = True
        predictions, blobs = self._session.project.predictions, self._session.project.blobs
        run, tolerance, is_writable = (
            predictions.current(),
            self._session.tolerance,
            not self._session.project.read_only,
        )
        samples, before, self._run = self._session.project.samples, self._before, run
        assert run is not None

        def load() -> WalkOrder:
            if is_writable:
                predictions.find_missing_blobs(None, lambda: not self._is_closed)
            ranking, table = blobs.ranking(run, tolerance), samples.table()
            hidden = table.id[table.hidden == 1]
            return WalkOrder(ranking[~np.isin(ranking["sample"], hidden)] if hidden.size else ranking, before)

        def take(future: "Future[WalkOrder]") -> None:
            if (run, tolerance) != (predictions.current(), self._session.tolerance):
                self._is_loading = False
                self._go_on()
            elif self._is_loading:
                self._is_loading = False
                error = future.exception()
                if isinstance(error, UserError | OSError):
                    self._acts.clear()
                    self.told.emit(str(error), "")
                    return
                self._order = future.result()
                self._find()
                self._tell()
                self._go_on()

        self._thread.submit(load, take)
        self.changed.emit()

    def _find(self, known: Errors | None = None) -> None:
        """Look for the errors of the sample on screen; `known` are they when only decisions are new."""
        self._pause.stop()
        session, probability = self._session, self._probability
        sample, document, run = session.sample, session.document, session.project.predictions.current()
        if self._is_closed or self._is_finding or session.is_busy or document is None or self._is_stroke_open:
            return
        if sample is None or probability is None or run is None:
            return
        self._is_finding = True
        snapshot, tolerance, level, key = document.snapshot(), session.tolerance, session.level, (run, sample.id)
        decided = self._decided.get(key)
        counter, ignored = session.change_counter, session.ignored_now()
        before = self._panes.settled

        def find() -> _Found:
            predicted = without_errors(predicted_at(probability, level), snapshot.mask, ignored)
            errors = known or Errors(snapshot.mask, predicted, tolerance)
            kept = session.project.blobs.kept(run, sample) if decided is None else decided
            if kept is not None and before is not None and np.array_equal(kept, before):
                kept = before  # the same array: nothing has to be drawn anew
            return _Found(sample, counter, run, level, errors, kept, worst_open(errors, MOST, kept))

        def take(future: "Future[_Found]") -> None:
            self._is_finding = False
            is_same = session.document is document and self._probability is probability
            is_same = is_same and session.tolerance == tolerance and self._decided.get(key) is decided
            is_same = is_same and session.level == level
            if isinstance(error := future.exception(), UserError | OSError):
                self._acts.clear()
                self.told.emit(str(error), "")
                return
            if is_same and run == session.project.predictions.current():
                self._take_found(future.result())
            else:
                self._find()
            self._go_on()

        self._thread.submit(find, take)

    def _take_found(self, found: _Found) -> None:
        self._found = found
        self._panes.show_settled(found.kept)
        if self._order is not None and not self._session.project.looks.hides(found.sample, found.run):
            self._order.replace(found.sample.id, found.errors, found.blobs)
        if self.is_here and self.place is not None:
            blob = found.errors.at(self.place.blob.x, self.place.blob.y)
            self.place.is_there = blob is not None and blob.kind is self.place.blob.kind
            if blob is not None and self.place.is_there:
                self.place.blob = blob
        self._tell()

    # the walk

    def _advance(self) -> None:
        assert self._order is not None
        if self._at + 1 < len(self._trail):
            self._at += 1
            self._go_to(self._trail[self._at])
            return
        following = self._order.next(self._listed())
        if following is None:
            self._end()
            return
        place = Place(*following)
        self._order.visit(*following)
        self._trail.append(place)
        self._at = len(self._trail) - 1
        self._go_to(place, is_fresh=True)

    def _return(self) -> None:
        if self._at > 0:
            self._at -= 1
            self._go_to(self._trail[self._at])

    def _end(self) -> None:
        assert self._order is not None
        count = len(self._trail)
        self._order.begin_again()
        left = self._order.count(self._listed())
        self._trail, self._at, self.place = [], -1, None
        if count:
            hint = f"The next one begins again with the {left:,} that are left." if left else "None is left."
            hint = f"{hint} {self._words_of_hidden()}".strip()
            self.told.emit(f"That was the last of {count_text(count, 'error')}.", hint)
        else:
            within = f" beyond {self._session.tolerance} px" if self._session.tolerance else ""
            hidden = self._words_of_hidden()
            which = "other listed" if hidden else "listed"
            self.told.emit(f"The {which} samples have no errors{within} that are not settled.", hidden)
        self._tell()

    def _words_of_hidden(self) -> str:
        """How many listed images the walk leaves out, and why; empty when none."""
        table = self._session.project.samples.table()
        count = int(np.count_nonzero(table.hidden[table.indices_of(self._listed())]))
        if not count:
            return ""
        return f"{count_text(count, 'image')} of the test split left out: figures hidden (View ▸ Show test figures)."

    def _go_to(self, place: Place, *, is_fresh: bool = False) -> None:
        self.place = place
        if not self.is_here:
            self._found = None
            self._session.show(place.sample_id)
        self._acts.appendleft((partial(self._arrive, place, is_fresh), True))

    def _arrive(self, place: Place, is_fresh: bool) -> None:
        if place is not self.place or not self.is_here:
            return  # somebody has gone elsewhere meanwhile
        blob = None if self._found is None else self._found.errors.at(place.blob.x, place.blob.y)
        place.is_there = blob is not None and blob.kind is place.blob.kind
        if not place.is_there and is_fresh:
            # The mask or the prediction has become another since the blob was stored.
            self._trail.remove(place)
            self._at, self.place = len(self._trail) - 1, None
            self._acts.appendleft((self._advance, True))
            return
        if blob is not None and place.is_there:
            place.blob = blob
        if not place.blob.bounds.is_empty:
            self._panes.look_at(place.blob.bounds)
        self._here = None  # the pointer stands where it stood at the last place
        if self._order is not None:
            self._session.images.prefetch(self._order.samples_ahead(self._listed(), _AHEAD))
        self._tell()

    # decisions

    def _carry_out(self, decision: Decision, spot: tuple[int, int] | None) -> None:
        found, document = self._found, self._session.document
        at_walk = None
        if found is not None and self.is_here and self.place is not None:
            at_walk = found.errors.at(self.place.blob.x, self.place.blob.y)
        blob = found.errors.at(*spot) if spot is not None and found is not None else None
        blob = blob or at_walk
        if found is None or document is None or blob is None:
            self.told.emit("There is no error here.", "Point at one, or go to the next.")
            return
        if not self._session.is_editable:
            self.told.emit("This project is open for reading only.", "")
            return
        region = found.errors.hunk(blob)
        becomes = _becomes(decision, blob.kind)
        if becomes is None:
            is_settled = found.kept is not None and is_kept(found.errors, blob, found.kept)
            self._keep(found, region, is_kept=not is_settled)
            if is_settled:
                return
        else:
            with document.stroke(_TITLES[decision]) as stroke:
                stroke.fill_region(region, becomes)
        if self.goes_on and at_walk is not None and blob == at_walk:
            self._acts.append((self._advance, True))

    def _carry_out_in(self, decision: Decision, region: Region, title: str, *, is_whole: bool = False) -> None:
        """Decide about the pixels of a region that mask and prediction differ in."""
        found, document = self._found, self._session.document
        if not self._session.is_editable:
            self.told.emit("This project is open for reading only.", "")
            return
        if found is None or document is None:
            self.told.emit("There is nothing to decide about: this sample has no prediction.", "Predict it first.")
            return
        # Nothing is wrong outside of the rectangle that the errors lie in.
        rect = region.rect.intersect(found.errors.depths.rect)
        here = rect.slices
        inside = region.inside[rect.relative_to(region.rect).slices]
        wrong = (found.errors.truth[here] != found.errors.predicted[here]) & inside
        disputed = Region(rect, wrong)
        is_at_walk = self.is_here if is_whole else self._is_walk_in(disputed)
        if not wrong.any():
            self.told.emit("Mask and prediction agree there.", "")
        elif decision == "keep":
            is_settled = found.kept is not None and bool(found.kept[here].view(np.bool_)[wrong].all())
            self._keep(found, disputed, is_kept=not is_settled)
            is_at_walk = is_at_walk and not is_settled
        else:
            after = found.errors.predicted[here] if decision == "take" else np.uint8(decision == "fill")
            with document.stroke(title) as stroke:
                stroke.put(Patch(rect, np.where(wrong, after, found.errors.truth[here])))
        self._panes.selection.clear()
        if self.goes_on and is_at_walk:
            self._acts.append((self._advance, True))

    def _select_thing(self, spot: tuple[int, int] | None) -> None:
        found, place = self._found, self.place
        if found is None:
            self.told.emit("There is nothing to select: this sample has no prediction.", "Predict it first.")
            return
        truth, predicted, meant = found.errors.truth, found.errors.predicted, self._on_screen
        spots = [spot] if spot is not None else []
        if self.is_here and place is not None:
            spots.append((place.blob.x, place.blob.y))

        def find() -> Region:
            return next((thing for x, y in spots if not (thing := _thing(truth, predicted, x, y)).rect.is_empty),
                        EMPTY_REGION)  # fmt: skip

        def take(future: "Future[Region]") -> None:
            if meant != self._on_screen:
                return
            region = future.result()
            if region.rect.is_empty:
                self.told.emit("There is nothing here to select.", "Point at a thing, or go to the next error.")
            else:
                self._panes.selection.set(region)

        self._thread.submit(find, take)

    def _is_walk_in(self, region: Region) -> bool:
        """Whether the error that the walk is at lies in a region."""
        if not self.is_here or self.place is None or not self.place.is_there:
            return False
        x, y = self.place.blob.x - region.rect.x, self.place.blob.y - region.rect.y
        is_inside = 0 <= x < region.rect.width and 0 <= y < region.rect.height
        return is_inside and bool(region.inside[y, x])

    def _keep(self, found: _Found, region: Region, *, is_kept: bool) -> None:
        if region.rect.is_empty:
            return
        kept = np.zeros_like(found.errors.truth) if found.kept is None else found.kept.copy()
        kept[region.rect.slices][region.inside] = is_kept
        self._decided.pop((found.run, found.sample.id), None)
        self._decided[found.run, found.sample.id] = kept
        while len(self._decided) > _DECIDED:
            del self._decided[next(iter(self._decided))]
        self._session.decisions.keep(found.run, found.sample, region, is_kept=is_kept)
        self._found = None
        self._find(found.errors)

    # what happens

    def _take_sample(self, _sample: object = None) -> None:
        self._found = None
        self._read_settled()
        self._tell()
        if self._order is not None:
            self._find()
        self._go_on()

    def _read_settled(self) -> None:
        """Show which errors of the sample on screen are settled, also before anybody walks."""
        project, sample = self._session.project, self._session.sample
        run = project.predictions.current()
        self._panes.show_settled(None)
        if self._is_closed or sample is None or run is None:
            return
        decided = self._decided.get((run, sample.id))
        if decided is not None:
            self._panes.show_settled(decided)
            return

        def take(future: "Future[Mask | None]") -> None:
            now = self._session.sample
            is_same = now is not None and now.id == sample.id and project.predictions.current() == run
            if is_same and self._found is None and future.exception() is None:  # who asks for the errors is told why
                self._panes.show_settled(future.result())

        self._thread.submit(lambda: project.blobs.kept(run, sample), take)

    def _take_predictions(self) -> None:
        """The same run may have predicted anew: then what was visited stays visited."""
        if self._order is None:
            return
        if self._session.project.predictions.current() != self._run:
            self.forget()
            return
        self._before, self._order, self._found = self._order, None, None
        self._load()

    def _take_edit(self) -> None:
        if not self._panes.selection.is_empty:
            self._tell()  # how much of it differs
        if self._order is not None and not self._is_known:
            self._pause.start()
            self._go_on()

    def _point(self, info: PixelInfo | None) -> None:
        is_other = (info is None) != (self._here is None) or (
            info is not None and self._here is not None and (info.x, info.y) != (self._here.x, self._here.y)
        )
        self._here = info
        if is_other:
            self._show_target()

    def _tell(self) -> None:
        self._selected = ""
        self._show_target()
        self.changed.emit()

    def _show_target(self) -> None:
        """Mark what a decision would be about."""
        found, blob = self._found, None
        if not self._panes.selection.is_empty:
            self._panes.show_target(None)  # a decision is about the selection, which is marked itself
            return
        if found is not None and self._order is not None and self._is_known:
            if self._here is not None:
                blob = found.errors.at(self._here.x, self._here.y)
            if blob is None and self.is_here and self.place is not None and self.place.is_there:
                blob = self.place.blob
        self._panes.show_target(None if blob is None else blob.bounds)


def _becomes(decision: Decision, kind: Kind) -> int | None:
    """What the pixels of an error of that kind become; None when they stay as they are."""
    is_true = int(kind is Kind.FALSE_NEGATIVE)
    wanted = {"take": 1 - is_true, "keep": is_true, "fill": 1, "erase": 0}[decision]
    return None if wanted == is_true else wanted


def _thing(truth: Mask, predicted: Mask, x: int, y: int) -> Region:
    """What hangs together with a pixel in mask and prediction together; EMPTY_REGION where neither shows anything."""
    both = truth | predicted
    if not both[y, x]:
        return EMPTY_REGION
    neighbours = 8
    _, _, _, box = cv2.floodFill(both, None, (x, y), 2, flags=neighbours)
    rect = Rect(*box)
    return Region(rect, both[rect.slices] == 2)
