"""What was probably meant: the query as the best hit spells it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from search.vocabulary import OPTIONAL, Reading

if TYPE_CHECKING:
    from search.engine import Hit

_DROPPED = str.maketrans("", "", "'’‘`´ʼ′\"“”„")
_WORD = re.compile(r"[^\W_]+(?:['’‘`´ʼ′.!$][^\W_]+)*")


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """The words of a name with their places in it, folded much as `search_normalise` folds them.

    Good enough to mark words and to suggest a spelling; what matches is the database's to say.
    """
    for match in _WORD.finditer(text):
        decomposed = unicodedata.normalize("NFKD", match[0].translate(_DROPPED).casefold())
        folded = "".join(c for c in decomposed if not unicodedata.combining(c))
        yield match.start(), match.end(), re.sub(r"[\W_]", "", folded)


def did_you_mean(reading: Reading, best: "Hit") -> str | None:
    """The query in the best hit's spelling, or None when it is spelt like that already.

    Only words near to what was typed are replaced; a hit that is a guess suggests nothing.
    """
    if best.match in ("exact", "prefix", "trigram") or best.likeness < 0.6:
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
