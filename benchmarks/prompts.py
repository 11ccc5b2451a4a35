"""Prompts that people typed, and their vectors, which are kept as it takes minutes to make them."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError
from tqdm import tqdm

from embeddings import embedders
from embeddings.embedders import Vectors


@dataclass(frozen=True)
class Prompt:
    """A text, and where it is from."""

    text: str
    source: str


def read_prompts(path: Path) -> list[Prompt]:
    """The distinct texts of a TSV file with the columns `source` and `text`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            prompts = {row["text"]: Prompt(row["text"], row["source"]) for row in rows}
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Can't read {path}: {error}.") from error
    except KeyError as error:
        raise CommandError(f"{path} has no column {error}.") from error
    if len(prompts) < 100:
        raise CommandError(f"{path} has {len(prompts)} prompts; it takes at least 100.")
    return list(prompts.values())


def vectors_of(prompts: list[Prompt]) -> Vectors:
    """Their vectors by the embedder in use, made once and kept in the folder `.data`."""
    try:
        embedder = embedders.current()
        digest = hashlib.sha256("\0".join(prompt.text for prompt in prompts).encode())
        kept = (
            Path(settings.DATA_DIR) / "benchmark" / f"{embedder.id}-{digest.hexdigest()[:12]}.npy"
        )
        if kept.is_file():
            return np.load(kept)  # type: ignore[no-any-return]
        texts = [prompt.text for prompt in prompts]
        parts = [
            embedder.embed_documents(texts[start : start + embedder.batch])
            for start in tqdm(range(0, len(texts), embedder.batch), desc="embedding", disable=None)
        ]
    except embedders.EmbedderError as error:
        raise CommandError(str(error)) from error
    vectors = np.concatenate(parts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, vectors)
    return vectors
