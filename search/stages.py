"""The stages of a search: which rows each asks for, as tsqueries.

A query goes through the stages until one has a good answer: first every word (or one near it),
then all but one, then words further away and names that part of the query may be. See
docs/search.md.
"""

from dataclasses import dataclass
from itertools import combinations

from search.tsquery import all_of, any_of, lexeme
from search.vocabulary import ANYWHERE, MAX_WORD_LENGTH, OPTIONAL, Near, Reading, key

# How many lexemes a word may stand for: more cost time and bring only rarer ones.
ALTERNATIVES = 6
FURTHER_ALTERNATIVES = 25
# Only so many words of a query are asked of the index, the rarest: the others hardly narrow it.
RAREST = 3
# More rows than this are not fetched to be sorted by popularity.
TOO_COMMON = 4000
TOO_COMMON_RELAXED = 2500
TOO_COMMON_FAR = 1500
TOO_COMMON_ALONE = 300
# No lexeme is blank.
EVERY_ROW = "!" + lexeme(" ")


@dataclass
class Ways:
    """What a stage asks for; see `search_candidates` in ranking.sql for each."""

    artists: str | None = None
    titles: str | None = None
    credits: str | None = None
    words: str | None = None
    more: str | None = None
    common: str | None = None

    def __bool__(self) -> bool:
        return any((self.artists, self.titles, self.credits, self.words, self.more, self.common))


@dataclass(frozen=True)
class _Group:
    """What one typed word may stand for, and about how many rows have one of it."""

    query: str | None
    ndoc: int


def exact(reading: Reading) -> str | None:
    """Every required word as typed."""
    return all_of(lexeme(reading.words[i], reading.labels[i]) for i in reading.required)


def prefix(reading: Reading) -> str | None:
    """The same with the last word as the beginning of one, if that narrows the catalogue."""
    if not reading.words:
        return None
    *before, last = reading.required
    word = reading.words[last]
    if len(word) < (3 if before else 4) or max((n.ndoc for n in reading.near[last]), default=0) > (
        TOO_COMMON
    ):
        return None
    if before and min(_group(reading, i).ndoc for i in before) > TOO_COMMON:
        return None
    return all_of(
        [lexeme(reading.words[i], reading.labels[i]) for i in before]
        + [lexeme(reading.words[last], reading.labels[last], prefix=True)]
    )


def part(reading: Reading) -> str | None:
    """All words as typed, one after the other."""
    words = zip(reading.words, reading.labels, strict=True)
    return "<->".join(lexeme(word, labels) for word, labels in words) or None


def near(reading: Reading) -> str | None:
    """Every required word, or one near it."""
    groups = [_group(reading, i).query for i in reading.required]
    return None if None in groups else all_of(groups)


def required(reading: Reading) -> str | None:
    """What quoted phrases and excluded words demand of every row."""
    demands = []
    for words in reading.phrases:
        if words:
            demands.append("(" + "<->".join(lexeme(word, "AB") for word in words) + ")")
    for words in reading.excluded:
        if words:
            demands.append("!(" + "<->".join(lexeme(word) for word in words) + ")")
    return "&".join(demands) or None


def every_word(reading: Reading) -> Ways:
    """The whole name within an edit or two, or every word within one; neighbours may belong
    together, and a word may be two."""
    in_fields = [_group(reading, i) for i in reading.required if reading.labels[i] != ANYWHERE]
    demands = [group.query for group in in_fields]
    artist_names = all_of([any_of(_lexemes(reading.artist_keys, "")), *demands])
    ways = Ways(
        artists=artist_names,
        titles=all_of([any_of(_lexemes(reading.title_keys, "")), *demands]),
        credits=artist_names,
    )
    together: list[str | None] = []
    if len(reading.words) > 1:
        groups = [_group(reading, i) for i in reading.required]
        if _rarest(groups) <= TOO_COMMON:
            together.append(_all_of_rarest(groups))
        for i, lexemes in enumerate(reading.joined):
            if not lexemes or reading.labels[i] != reading.labels[i + 1]:
                continue
            joined = _Group(
                any_of(_lexemes(lexemes[:ALTERNATIVES], reading.labels[i])),
                sum(near.ndoc for near in lexemes[:ALTERNATIVES]),
            )
            others = [_group(reading, j) for j in reading.required if j not in (i, i + 1)]
            if _rarest([joined, *others]) <= TOO_COMMON:
                together.append(_all_of_rarest([joined, *others]))
    elif not reading.is_known(0):
        group = _group(reading, 0)
        if group.ndoc <= TOO_COMMON:
            together.append(group.query)
    ways.words = any_of(together)
    if all(reading.is_known(i) for i in reading.required):
        as_typed = exact(reading)
        if min(reading.near[i][0].ndoc for i in reading.required) > TOO_COMMON:
            ways.common = as_typed
        else:
            ways.more = as_typed
            together.append(as_typed)
    ways.artists = any_of([artist_names, *together])
    return ways


def all_but_one(reading: Reading) -> Ways:
    """Every word but one, whichever (save words of a field), and beginnings of the last.

    Of many words, also every one: the rarest alone may be an artist's whose popular tracks are
    all that `every_word` has read.
    """
    in_fields = [_group(reading, i) for i in reading.required if reading.labels[i] != ANYWHERE]
    groups = sorted(
        (
            group
            for i in reading.required
            if reading.labels[i] == ANYWHERE
            and (group := _group(reading, i, most=5, splits=1)).query is not None
        ),
        key=lambda group: group.ndoc,
    )[:4]
    together = []
    if groups:
        for free in combinations(groups, max(1, len(groups) - 1)):
            some = [*free, *in_fields]
            if _rarest(some) <= (TOO_COMMON_RELAXED if len(some) > 1 else TOO_COMMON_ALONE):
                together.append(all_of(group.query for group in some))
    words = any_of(together)
    beginning = prefix(reading)
    every = None
    if len(reading.required) > RAREST:
        every = all_of(_group(reading, i).query for i in reading.required)
    return Ways(artists=any_of([words, beginning]), words=words, more=any_of([beginning, every]))


def further_units(reading: Reading) -> tuple[list[str], list[int]]:
    """The units `further` needs the neighbourhood of, with the distance for each."""
    units: dict[str, int] = {}
    for i in _lost(reading):
        units[reading.words[i]] = 2
    for unit, _ in _names_within(reading):
        units[unit] = 2 if len(unit) > 6 else 1
    return list(units), list(units.values())


def further(reading: Reading, near: dict[str, list[Near]]) -> Ways:
    """Words two edits away, and artists' names in the query's beginning or end together with any
    of the other words."""
    ways = Ways()
    lost = _lost(reading)
    far: dict[int, list[Near]] = {
        i: [n for n in near[reading.words[i]][:FURTHER_ALTERNATIVES] if n.ndoc < TOO_COMMON_FAR]
        for i in lost
    }
    together: list[str | None] = []
    artists: list[str | None] = []
    if len(reading.words) == 1:
        for i in lost:
            together += _lexemes(far[i], reading.labels[i])
            artists += together
            ways.titles = any_of(lexeme("=" + n.word) for n in far[i])
    else:
        groups = []
        for i in reading.required:
            group = _group(reading, i)
            if farther := [n for n in far.get(i, ()) if n not in reading.near[i]]:
                group = _Group(
                    any_of([group.query, *_lexemes(farther, reading.labels[i])]),
                    group.ndoc + sum(near.ndoc for near in farther),
                )
            groups.append(group)
        if _rarest(groups) <= TOO_COMMON_FAR:
            together.append(_all_of_rarest(groups))
            artists += together
    for unit, rest in _names_within(reading):
        names = any_of(_lexemes(near[unit][:6], ""))
        groups = [_group(reading, i) for i in rest if reading.words[i] not in OPTIONAL]
        others = [g.query for g in sorted(groups, key=lambda group: group.ndoc)[:RAREST]]
        others += [
            any_of(_lexemes(reading.joined[i][:ALTERNATIVES], ANYWHERE))
            for i in rest
            if i + 1 in rest
        ]
        others.append(lexeme("=" + key([reading.words[i] for i in rest])[:MAX_WORD_LENGTH]))
        together.append(all_of([names, any_of(others)]))
    ways.words = any_of(together)
    ways.more = prefix(reading) if len(reading.words) == 1 else None
    ways.artists = any_of([*artists, ways.more])
    return ways


def _lost(reading: Reading) -> list[int]:
    """Words that may be further away than one edit: all of a short query's, or the rare ones."""
    places = [
        i
        for i in reading.required
        if len(reading.words[i]) > 3
        and (
            len(reading.words) <= 2
            or not reading.near[i]
            or max(near.ndoc for near in reading.near[i]) <= 3
        )
    ]
    return places[:3]


def _names_within(reading: Reading) -> list[tuple[str, range]]:
    """Artist keys of up to five words at the query's beginning or end, with the other words."""
    size = len(reading.words)
    names: list[tuple[str, range]] = []
    if any(labels != ANYWHERE for labels in reading.labels):
        return names
    for length in range(1, min(size, 6)):
        for first, rest in ((0, range(length, size)), (size - length, range(size - length))):
            name = key(reading.words[first : first + length])
            if len(name) >= 3:
                names.append(("@" + name[:MAX_WORD_LENGTH], rest))
    return names


def _group(reading: Reading, place: int, *, most: int = ALTERNATIVES, splits: int = 3) -> _Group:
    labels = reading.labels[place]
    lexemes = reading.near[place][:most]
    halves = reading.splits[place][:splits]
    return _Group(
        any_of(
            _lexemes(lexemes, labels)
            + [all_of((lexeme(left, labels), lexeme(right, labels))) for left, right, _ in halves]
        ),
        sum(near.ndoc for near in lexemes) + sum(ndoc for *_, ndoc in halves),
    )


def _lexemes(near: list[Near], labels: str) -> list[str | None]:
    return [lexeme(n.word, labels) for n in near]


def _rarest(groups: "list[_Group] | tuple[_Group, ...]") -> int:
    return min((group.ndoc for group in groups), default=0)


def _all_of_rarest(groups: list[_Group]) -> str | None:
    if any(group.query is None for group in groups):
        return None
    rarest = sorted(groups, key=lambda group: group.ndoc)[:RAREST]
    return all_of(group.query for group in rarest)
