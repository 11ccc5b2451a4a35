"""Slips of the hand: of two names as many edits from what was typed, the likelier one.

A letter doubled or not, a vowel for another, a letter for one that sounds alike, a silent or last
letter left out: people mistype so more often than by any other edit, so these edits count for a
little less. The shares are those by which the judged queries of a benchmark are found best, on
either half of them.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from rapidfuzz.distance import Levenshtein

# By how much of an edit each slip is less than one.
DOUBLED = 0.25
SOUNDS_ALIKE = 0.15
SILENT_OR_LAST = 0.125
VOWEL = 0.1
LEFT_OUT = 0.05

# What search_track_likeness takes off for a bare title, or the first of several artists.
PART_OF_NAME = 0.06

_VOWELS = frozenset("aeiouy")
_SILENT = frozenset("he")
_ALIKE = frozenset(
    frozenset(pair)
    for pair in "ck cs cx sz ks iy ij vw ph gj mn dt bp fv 1i 0o".split()  # noqa: SIM905
)


def discount(typed: str, name: str) -> float:
    """How many edits fewer than their number the edits from `name` to `typed` count for."""
    total = 0.0
    for edit in Levenshtein.editops(typed, name):
        i, j = edit.src_pos, edit.dest_pos
        if edit.tag == "replace":
            pair = {typed[i], name[j]}
            if pair <= _VOWELS:
                total += VOWEL
            elif pair in _ALIKE:
                total += SOUNDS_ALIKE
        elif edit.tag == "delete":
            if _is_doubled(typed, i):
                total += DOUBLED
        elif _is_doubled(name, j):
            total += DOUBLED
        elif name[j] in _SILENT or j == len(name) - 1:
            total += SILENT_OR_LAST
        else:
            total += LEFT_OUT
    return total


def nearest(typed: str, kind: Literal["artist", "track"], keys: Sequence[str]) -> str | None:
    """The spelling of a row that is nearest to what was typed; None without any.

    `keys` are an artist's keys, or a track's: whole title, bare title, credit, first artist.
    """
    spellings: Iterator[tuple[str, float]]
    spellings = ((key, 0.0) for key in keys) if kind == "artist" else _of_track(*keys)
    return (
        min(
            spellings,
            key=lambda spelling: (
                Levenshtein.distance(typed, spelling[0]) + spelling[1] * len(typed)
            ),
            default=("", 0.0),
        )[0]
        or None
    )


def _of_track(
    full_title: str, title: str, credit: str, main_credit: str
) -> Iterator[tuple[str, float]]:
    yield full_title, 0.0
    yield credit + full_title, 0.0
    yield full_title + credit, 0.0
    if title != full_title:
        yield title, PART_OF_NAME
        yield credit + title, PART_OF_NAME
        yield title + credit, PART_OF_NAME
    if main_credit != credit:
        yield main_credit + title, PART_OF_NAME
        yield title + main_credit, PART_OF_NAME


def _is_doubled(word: str, place: int) -> bool:
    return word[place] in (word[place - 1 : place] if place else "", word[place + 1 : place + 2])
