"""Fuzzy search: how well a text fits what somebody has typed of it, in order and perhaps with gaps."""

from typing import NamedTuple

_AT_START, _AT_WORD, _IN_ROW, _ANYWHERE = 12.0, 8.0, 5.0, 1.0
_IN_ONE_PIECE, _WHOLE_WORD = 6.0, 6.0
_GAP = 0.3
_LENGTH = 0.02
"""Of two texts that fit alike, the shorter is meant."""


class Match(NamedTuple):
    """How a text fits.

    Attributes:
        score: Greater is better.
        places: Which characters of the text were found, in order.
    """

    score: float
    places: tuple[int, ...]


def match(typed: str, text: str) -> Match | None:
    """Find what was typed in a text, whatever its case.

    Each word of what was typed is looked for on its own, so that their order does not matter: in one piece when the
    text has it so, else letter by letter with gaps.

    Args:
        typed: What somebody wrote; empty fits everything.
        text: The text to look in.

    Returns:
        None when some word cannot be found.
    """
    lowered = text.lower()
    score, places = -_LENGTH * len(text), set[int]()
    for word in typed.lower().split():
        found = _in_one_piece(word, lowered) or _with_gaps(word, lowered)
        if found is None:
            return None
        score += found.score
        places.update(found.places)
    return Match(score, tuple(sorted(places)))


def _in_one_piece(word: str, text: str) -> Match | None:
    """The best place where the text has the word as it is."""
    best: Match | None = None
    at = text.find(word)
    while at >= 0:
        places = tuple(range(at, at + len(word)))
        end = at + len(word)
        score = _score(places, text) + _IN_ONE_PIECE
        if _begins_word(text, at) and (end == len(text) or not text[end].isalnum()):
            score += _WHOLE_WORD
        if best is None or score > best.score:
            best = Match(score, places)
        at = text.find(word, at + 1)
    return best


def _with_gaps(word: str, text: str) -> Match | None:
    """The letters of the word one after the other; the beginnings of words are preferred."""
    places: list[int] = []
    at = 0
    for number, letter in enumerate(word):
        found = text.find(letter, at)
        if found < 0:
            return None
        start = next((i for i in range(found, len(text)) if text[i] == letter and _begins_word(text, i)), None)
        follows = bool(places) and found == places[-1] + 1
        # Only as far as the rest of the word can still be found behind it.
        if start is not None and not follows and _is_in_order(word[number + 1 :], text[start + 1 :]):
            found = start
        places.append(found)
        at = found + 1
    return Match(_score(tuple(places), text), tuple(places))


def _is_in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


def _score(places: tuple[int, ...], text: str) -> float:
    score = 0.0
    for number, place in enumerate(places):
        if number and place == places[number - 1] + 1:
            score += _IN_ROW
        elif place == 0:
            score += _AT_START
        elif _begins_word(text, place):
            score += _AT_WORD
        else:
            score += _ANYWHERE
        if number:
            score -= _GAP * (place - places[number - 1] - 1)
    return score


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()
