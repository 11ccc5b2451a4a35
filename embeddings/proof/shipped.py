"""The prompts that ship with Vibomat."""

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Prompt:
    theme: str
    language: str
    text: str


def prompts() -> list[Prompt]:
    """Prompts of several themes, six of each, in several languages."""
    return [Prompt(row["theme"], row["language"], row["text"]) for row in _rows("prompts.tsv")]


def paraphrases() -> list[tuple[str, str]]:
    """Pairs of prompts that ask for the same in other words or another language."""
    return [(row["text"], row["other_text"]) for row in _rows("paraphrases.tsv")]


def translations() -> dict[str, list[tuple[str, str]]]:
    """By language, prompts with what they mean in English."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in _rows("translations.tsv"):
        found.setdefault(row["language"], []).append((row["text"], row["english"]))
    return found


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
