"""Overlays: what each pane shows over the picture, and the legend below it."""

from collections.abc import Mapping

from segstudio.core.mask import Mask
from segstudio.ui.canvas.comparison import Comparison
from segstudio.ui.canvas.layers import (
    PREDICTION,
    TRUTH,
    Colour,
    ErrorLayer,
    HeatLayer,
    Layer,
    MaskLayer,
    Stacked,
)
from segstudio.ui.canvas.legends import IGNORING, error_legend, heat_legend, missing_legend, problem_legend
from segstudio.ui.canvas.marks import Caption
from segstudio.ui.canvas.pane import Pane, PaneName
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.shown_ignored import ShownIgnored
from segstudio.ui.canvas.shown_prediction import ShownPrediction
from segstudio.ui.canvas.shown_weights import ShownWeights


class Overlays:
    """Draws what is known of the sample into the panes; `draw` and `caption` after any of it has changed.

    Attributes:
        truth: The mask.
        weights: What pixels count in a training, over the image.
        heat: Where runs disagree, in place of the prediction; 255 where half of them contradict the others.
        heat_words: The legend of that.
        settled: Where somebody has decided that the mask is right; None when nowhere.
        opacity: How solid masks are, from 0 to 1.
        reader: Who has drawn what stands in the place of the prediction; empty for a network.
        is_hidden: Whether nobody may know yet how right the prediction is.
    """

    def __init__(
        self,
        panes: Mapping[PaneName, Pane],
        prediction: ShownPrediction,
        ignored: ShownIgnored,
        comparison: Comparison,
    ) -> None:
        self._panes = panes
        self._prediction = prediction
        self._ignored = ignored
        self._comparison = comparison
        self._instead: MaskLayer | None = None
        self.truth: Pyramid | None = None
        self.weights: ShownWeights | None = None
        self.heat: Pyramid | None = None
        self.heat_words = ""
        self.settled: Pyramid | None = None
        self.opacity = 0.45
        self.reader = ""
        self.is_hidden = False

    @property
    def not_compared(self) -> list[Pyramid]:
        """What is ignored, and where the prediction says nothing."""
        return [one for one in (self._ignored.hatched, self._prediction.left_out) if one is not None]

    def show_instead(self, mask: Mask | None, colour: Colour) -> None:
        """Show one mask in every pane in place of what they show; None ends it."""
        self._instead = None if mask is None else MaskLayer(Pyramid(mask, gain=255), colour, self.opacity)
        self.draw()

    def draw(self) -> None:
        """Show the layers of every pane."""
        if self._instead is not None:
            for pane in self._panes.values():
                pane.canvas.show_overlay(self._instead)
            return
        hatch, silent = self._ignored.layer, self._prediction.silence

        def show(name: PaneName, *layers: Layer | None) -> None:
            shown = [one for one in (*layers, hatch) if one is not None]
            self._panes[name].canvas.show_overlay(Stacked(*shown) if len(shown) > 1 else next(iter(shown), None))

        show("image", *([] if self.weights is None else self.weights.layers()))
        show("truth", None if self.truth is None else MaskLayer(self.truth, TRUTH, self.opacity))
        predicted = self._prediction.coverage
        prediction = None if predicted is None else MaskLayer(predicted, PREDICTION, self.opacity)
        heat = None if self.heat is None else HeatLayer(self.heat, max(self.opacity, 0.5) * 1.6)
        show("prediction", prediction if heat is None else heat, silent)
        errors = None
        if self._comparison.is_shown and self.truth is not None and predicted is not None:
            faint = [one for one in (self._comparison.forgiven, self.settled) if one is not None]
            errors = ErrorLayer(self.truth, predicted, self.opacity, faint, self.not_compared)
        show("errors", errors, silent)

    def caption(self, problem: str, *, has_image: bool, is_ignoring: bool) -> None:
        """Show the legend of every pane.

        Args:
            problem: Why there is no mask; empty when there is one.
            has_image: Whether a sample is shown.
            is_ignoring: Whether tools paint what is ignored.
        """
        self._panes["image"].canvas.show_caption(None if self.weights is None else self.weights.caption)
        ignoring = IGNORING if is_ignoring and has_image else None
        self._panes["truth"].canvas.show_caption(problem_legend(problem) if problem else ignoring)
        is_missing = self._prediction.mask is None and has_image
        heat = None if self.heat is None else heat_legend(self.heat_words)
        missing = missing_legend(self.reader)
        self._panes["prediction"].canvas.show_caption(missing if is_missing else heat)
        agreement = self._comparison.agreement if self._comparison.is_shown else None
        legend: Caption | None = None
        if agreement is not None:
            tolerance = self._comparison.tolerance
            legend = error_legend(agreement, tolerance, reader=self.reader, is_hidden=self.is_hidden)
        self._panes["errors"].canvas.show_caption(missing if is_missing else legend)
