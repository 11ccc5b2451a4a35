"""Texts as a model can bear them."""

import re
import unicodedata

# Some tokenizers take a word's length squared; nobody types a longer one. Scripts without spaces do
# have longer runs, so a run is parted, not cut.
LONGEST_WORD = 200

_RUN = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
# Controls, lone surrogates, places without a character.
_MEANINGLESS = ("Cc", "Cs", "Co", "Cn")


def cleaned(text: str, longest: int) -> str:
    """The text without what means nothing, in at most that many characters; blank if none is left.

    Whitespace and control characters become one space.
    """
    # Only the beginning is looked at, however long the text is.
    start = text[: 4 * longest]
    plain = "".join(
        " " if unicodedata.category(character) in _MEANINGLESS else character for character in start
    )
    words = _RUN.sub(r"\g<0> ", " ".join(plain.split()))
    return words[:longest].rstrip()
