"""Take the prediction: the mask becomes what the model says."""

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.options import Options
from segstudio.operations import OPERATIONS, Check, Operation, Subject


@OPERATIONS.register
class TakePrediction(Operation[Options]):
    """Puts the prediction in the place of the whole mask."""

    name = "take-prediction"
    title = "Take prediction"
    help = "Put what the model predicts in the place of the whole mask."
    key = "Shift+P"
    icon = "prediction"
    rank = 80
    needs = "prediction"

    def apply(self, subject: Subject, options: Options, check: Check) -> Mask:
        """A copy of the prediction."""
        if subject.predicted is None:
            raise UserError("there is no prediction to take", "ask the model first: Model ▸ Predict this sample")
        return subject.predicted.copy()
