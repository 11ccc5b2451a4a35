"""How sure it is that an entry of a list means a certain track of the catalogue.

The confidence is a logistic regression over a few differences between the names. Its coefficients
were fitted on misspelled, invented and relabelled tracks by
`manage.py benchmark resolve --queries PATH --fit`, which prints them.
"""

import math
import re
from typing import NamedTuple

from rapidfuzz.distance import OSA

from search.spelling import words_of

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
    `other`: of the two names, how many are no misspellings but at best part of the other name.
    `more_artists`, `fewer_artists`: the track's credit has artists that weren't typed, or lacks
    some that were (1 or 0, as are all that follow but the last).
    `more_edition`, `less_edition`: the track is an edition (a remix, a live recording) and none was
    typed, or the other way round.
    `artist_taken`, `title_taken`: the name differs, and the typed one is right for another artist,
    or another song.
    `short`: for each name that differs, 1 / the letters of the other: a short name is soon right by
    chance.
    """

    artist: float
    title: float
    far: float
    other: float
    more_artists: float
    fewer_artists: float
    more_edition: float
    less_edition: float
    artist_taken: float
    title_taken: float
    short: float

    @property
    def are_none(self) -> bool:
        """Whether the names are the same, as the search compares names."""
        return not any(self)

    @property
    def distance(self) -> float:
        """How far apart the names are, to choose among tracks; a misspelling is about 0.1."""
        return (
            self.artist
            + self.title
            + 0.4 * self.other
            + 0.3 * (self.more_artists + self.fewer_artists + self.less_edition)
            + 0.1 * self.more_edition
        )

    @property
    def confidence(self) -> float:
        """The probability, in [0, 1], that a track with these differences is right when none is
        nearer."""
        against = sum(a * b for a, b in zip(COEFFICIENTS, self, strict=True))
        return 1 / (1 + math.exp(-INTERCEPT - against))


INTERCEPT = 5.76
COEFFICIENTS = Differences(
    artist=-0.67,
    title=-6.60,
    far=-5.30,
    other=-6.26,
    more_artists=-1.44,
    fewer_artists=-0.74,
    more_edition=-1.69,
    less_edition=-0.32,
    artist_taken=-1.88,
    title_taken=-0.68,
    short=-4.70,
)


def differences(
    typed: Names,
    track: Names,
    *,
    artist_known: bool = False,
    title_known: bool = False,
    same_artists: bool = False,
) -> Differences:
    """Compare an entry with a track. `artist_known` and `title_known` say whether the catalogue
    has the typed name, whoever's it is; `same_artists`, that the credits differ only in order."""
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
        other=artist.is_other + title.is_other,
        more_artists=artist.has_more,
        fewer_artists=artist.has_less,
        more_edition=title.has_more,
        less_edition=title.has_less,
        artist_taken=float(artist_known and artist.share > 0),
        title_taken=float(title_known and title.share > 0),
        short=(1 / len(typed.title) if artist.share else 0)
        + (1 / len(typed.artist) if title.share else 0),
    )


def are_same_artists(typed: str, credit: str) -> bool:
    """Whether two credits name the same artists, more than one, in whatever order."""
    typed_artists, artists = (
        {"".join(word for *_, word in words_of(name)) for name in _BETWEEN_ARTISTS.split(text)}
        for text in (typed, credit)
    )
    return len(artists) > 1 and typed_artists == artists


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
    share, has_more, has_less = min(ways, key=lambda way: way[0] + 0.1 * way[1] + 0.3 * way[2])
    if share > MOST_DIFFERENT:
        return _Comparison(MOST_DIFFERENT, 0, 0, 1)
    return _Comparison(share, has_more, has_less, 0)
