"""How sure it is that an entry of a list means a certain track of the catalogue.

The confidence is a logistic regression over a few differences between the names. Its coefficients
were fitted on misspelled, invented and relabelled tracks by
`manage.py benchmark resolve --queries PATH --fit`, which prints them.
"""

import math
import re
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA

from search.spelling import words_of
from search.vocabulary import OPTIONAL

# Names that differ in a greater share of their letters are different names.
MOST_DIFFERENT = 0.4
# Typing errors seldom reach beyond this share.
FAR = 0.2

_BETWEEN_ARTISTS = re.compile(
    r"\s*[,;/]\s*|\s+(?:&|\+|and|x|vs\.?|with|feat\.?|ft\.?|featuring)\s+", re.IGNORECASE
)


class Names(NamedTuple):
    """Keys of an artist and a title, each whole and in short: the first artist of the credit, and
    the title without its edition."""

    artist: str
    main_artist: str
    title: str
    bare_title: str


class Differences(NamedTuple):
    """What speaks against a track being the one that an entry means; zeros when nothing does.

    `artist`, `title`: the share of the letters that differ (optimal string alignment distance).
    `far`: what of both shares lies beyond 0.2.
    `word`: the share of letters that differ in the typed word of the title that is least like any
    of the track's: a misspelled word is still like itself, another word makes another title.
    `other`: of the two names, how many are no misspellings but at best part of the other name.
    `taken`: 1 when the artist differs, and the typed one is another artist's right name.
    `short`: for each name that differs, 1 / the letters of the other: a short name is soon right by
    chance.
    `label`: how many of these hold: the credit has artists that weren't typed, it lacks some that
    were, the track is an edition (a remix, a live recording) and none was typed, or an edition was
    typed that the track isn't. Of these, `edition` is 1 for the third alone.
    """

    artist: float
    title: float
    far: float
    word: float
    other: float
    taken: float
    short: float
    label: float
    edition: float

    @property
    def are_none(self) -> bool:
        """Whether the names are the same, as the search compares names."""
        return not any(self)

    @property
    def distance(self) -> float:
        """How far apart the names are, to choose among tracks; a misspelling is about 0.1. Another
        edition of what was typed is nearer than another artist or than not the edition typed."""
        return self.of_names + 0.3 * self.label - 0.2 * self.edition

    @property
    def of_names(self) -> float:
        """The distance without labels."""
        return self.artist + self.title + 0.4 * self.other

    @property
    def confidence(self) -> float:
        """The probability, in [0, 1], that a track with these differences is right when none is
        nearer."""
        against = sum(a * b for a, b in zip(COEFFICIENTS, self, strict=False))
        return 1 / (1 + math.exp(-INTERCEPT - against))


INTERCEPT = 5.71
# For the differences from `artist` to `short`, in that order. Labels count nothing: when the names
# are alike, tracks with and without them are right equally often.
COEFFICIENTS = (-2.09, -10.24, -5.91, -5.88, -5.47, -1.47, -2.37)


def differences(
    typed: Names,
    track: Names,
    *,
    artist_known: bool = False,
    same_artists: bool = False,
    word: float = 0,
) -> Differences:
    """Compare an entry with a track. `artist_known` says whether the catalogue has the typed
    artist; `same_artists`, that the credits differ only in order; `word` is what `farthest_word`
    says of the titles."""
    artist = _compare(
        (typed.artist, typed.main_artist),
        (track.artist, track.main_artist),
        max(len(typed.artist), len(track.artist)),
    )
    if same_artists:
        artist = _Comparison(0, 0, 0, 0)
    # Of editions only what differs counts: "Single Version" would make any two titles alike.
    title = _compare(
        (typed.title, typed.bare_title),
        (track.title, track.bare_title),
        max(len(typed.bare_title), len(track.bare_title)),
    )
    return Differences(
        artist=artist.share,
        title=title.share,
        far=max(0, artist.share - FAR) + max(0, title.share - FAR),
        word=word if title.share and not title.has_less else 0,
        other=artist.is_other + title.is_other,
        taken=float(artist_known and artist.share > 0),
        short=(1 / len(typed.title) if artist.share else 0)
        + (1 / len(typed.artist) if title.share else 0),
        label=artist.has_more + artist.has_less + title.has_more + title.has_less,
        edition=title.has_more,
    )


def are_same_artists(typed: str, credit: str) -> bool:
    """Whether two credits name the same artists, more than one, in whatever order."""
    typed_artists, artists = (
        {"".join(word for *_, word in words_of(name)) for name in _BETWEEN_ARTISTS.split(text)}
        for text in (typed, credit)
    )
    return len(artists) > 1 and typed_artists == artists


def farthest_word(typed: str, title: str) -> float:
    """The share of letters that differ in the typed word that is least like any word of the title,
    of four letters at least. Words may be written together."""
    typed_words = [word for *_, word in words_of(typed) if word not in OPTIONAL]
    words = [word for *_, word in words_of(title)]
    joined = ["".join(pair) for pair in pairwise(words)]
    farthest = 0.0
    for place, word in enumerate(typed_words):
        neighbours = [
            "".join(pair) for pair in pairwise(typed_words[max(0, place - 1) : place + 2])
        ]
        ways = [(word, other) for other in words + joined]
        ways += [(together, other) for together in neighbours for other in words]
        edits = min((OSA.distance(*way) for way in ways), default=len(word))
        farthest = max(farthest, min(1, edits / max(4, len(word))))
    return farthest


class _Comparison(NamedTuple):
    share: float
    has_more: float
    has_less: float
    is_other: float


def _compare(typed: tuple[str, str], name: tuple[str, str], letters: int) -> _Comparison:
    """Compare names given whole and in short, in the way in which least differs; `letters` are
    those that the difference of the whole names is a share of."""
    whole, short = typed
    ways = [(OSA.distance(whole, name[0]) / letters, 0.0, 0.0)]
    if name[0] != name[1]:
        ways.append((OSA.normalized_distance(whole, name[1]), 1.0, 0.0))
    if whole != short:
        ways.append((OSA.normalized_distance(short, name[0]), 0.0, 1.0))
    if name[0] != name[1] and whole != short:
        ways.append((OSA.normalized_distance(short, name[1]), 1.0, 1.0))
    share, has_more, has_less = min(ways, key=lambda way: way[0] + 0.1 * way[1] + 0.15 * way[2])
    if share > MOST_DIFFERENT:
        return _Comparison(MOST_DIFFERENT, 0, 0, 1)
    return _Comparison(share, has_more, has_less, 0)
