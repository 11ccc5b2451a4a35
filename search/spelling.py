"""What was probably meant: the query as the best hit spells it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from search.vocabulary import OPTIONAL, Reading

if TYPE_CHECKING:
    from search.engine import Hit

_DROPPED = "'’‘`´ʼ′\"“”„"
# What \w leaves out of words in many scripts: vowel signs, points, tones.
_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")
_LETTER = rf"(?:[^\W_]|[{_MARKS}])"
_WORD = re.compile(
    # Initials are one word; some signs stand for letters: T.N.T., P!nk, Ke$ha.
    rf"(?<!\w)[^\W\d_](?:\.[^\W\d_](?!\w))+"
    rf"|\$?{_LETTER}(?:{_LETTER}|[{_DROPPED}!](?={_LETTER})|(?<=[^\W\d_]|\$)\$)*|&"
)
_LATIN_OR_GREEK = re.compile(r"[\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff\u0451]")
_SPELT_OUT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
    | {"!": "i", "$": "s", "&": "and"}
)
_NO_LETTERS = re.compile(
    r"[^\w\u0300-\uffff]|_|[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5"
    r"\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d"
    r"\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0e3a\u0e47-\u0e4e\u200b-\u200f\u202a-\u202e\u2018-\u201e"
    r"\u2032\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """The words of a name with their places in it, folded as `search_normalise` folds them but for
    rare letters.

    Good enough to mark words and to suggest a spelling; what matches is the database's to say.
    """
    for match in _WORD.finditer(text):
        yield match.start(), match.end(), _folded(match[0])


def _folded(word: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    folded = _LATIN_OR_GREEK.sub(lambda c: unicodedata.normalize("NFD", c[0]), folded)
    return _NO_LETTERS.sub("", folded.translate(_SPELT_OUT))


def did_you_mean(reading: Reading, hits: "list[Hit]") -> str | None:
    """The query in the best hit's spelling, or None when a hit has all its words as they are.

    Only words near to what was typed are replaced; a hit that is a guess suggests nothing.
    """
    if not hits or any(hit.match == "exact" for hit in hits):
        return None
    best = hits[0]
    if best.match in ("prefix", "trigram") or (best.match == "relaxed" and best.likeness < 0.6):
        return None
    names = " ".join(filter(None, (best.artist_credit, best.name)))
    known = [word for *_, word in words_of(names) if word]
    typed = "".join(reading.words)
    if best.match == "joined" or typed == "".join(known):
        # The spaces were the slip: take the words of the name that the query spells out.
        ordered = _covering(typed, best)
        return ordered if ordered and ordered.split() != reading.words else None
    suggestion = [_nearest(word, known) for word in reading.words]
    return " ".join(suggestion) if suggestion != reading.words else None


def _nearest(word: str, known: list[str]) -> str:
    if word in known or word in OPTIONAL or not known:
        return word
    nearest = min(known, key=lambda candidate: OSA.distance(word, candidate))
    return nearest if OSA.distance(word, nearest) <= max(1, len(word) // 3) else word


def _covering(typed: str, best: "Hit") -> str | None:
    name = [word for *_, word in words_of(best.name) if word]
    credit = [word for *_, word in words_of(best.artist_credit or "") if word]
    for words in (name, credit + name, name + credit):
        required = "".join(word for word in words if word not in OPTIONAL)
        if typed in ("".join(words), required):
            return " ".join(words)
    return None
