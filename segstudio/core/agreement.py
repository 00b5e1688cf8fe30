"""Agreement of two readers: how far two masks of one image are the same, beyond chance."""

from segstudio.core.metrics import Counts


def kappa(counts: Counts) -> float | None:
    """Cohen's kappa over the pixels of an image (Educational and Psychological Measurement 20, 1960).

    1 is the same mask, 0 what two readers who know nothing but their own shares of foreground would reach. None where
    both give every pixel the same class: then chance alone explains everything.

    Args:
        counts: One reader's mask as truth, the other's as prediction; which is which does not matter.
    """
    total = counts.tp + counts.fp + counts.fn + counts.tn
    if not total:
        return None
    agreed = (counts.tp + counts.tn) / total
    mine, theirs = (counts.tp + counts.fn) / total, (counts.tp + counts.fp) / total
    by_chance = mine * theirs + (1 - mine) * (1 - theirs)
    return None if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)
