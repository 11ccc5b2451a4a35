"""Texts as a model can bear them."""

import re
import unicodedata

# Some tokenizers take a word's length squared; nobody types a longer one. Scripts without spaces do
# have longer runs, so a run is parted, not cut.
LONGEST_WORD = 200
# Characters at a time.
LOOKED_AT = 4096

_RUN = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
_SPACES = re.compile(r"\s+")
# Controls, lone surrogates, places without a character.
_MEANINGLESS = ("Cc", "Cs", "Co", "Cn")


def cleaned(text: str, longest: int) -> str:
    """The text without what means nothing, in at most that many characters; blank if none is left.

    Whitespace and control characters become one space.
    """
    kept = ""
    # No more is looked at than fills it.
    for start in range(0, len(text), LOOKED_AT):
        kept += "".join(map(_plain, text[start : start + LOOKED_AT]))
        kept = _SPACES.sub(" ", kept).lstrip()
        if len(kept) > longest:
            break
    return _RUN.sub(r"\g<0> ", kept)[:longest].rstrip()


def _plain(character: str) -> str:
    return " " if unicodedata.category(character) in _MEANINGLESS else character
