"""Vectors as one sees them: numbers and a strip."""

from dataclasses import dataclass

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString

from embeddings.models import Embedding
from embeddings.vectors import Array

FIRST = 8
HEIGHT = 40


@dataclass(frozen=True)
class Picture:
    """A vector's length (Euclidean norm), its first numbers, and all of them as a strip."""

    embedding: Embedding
    dimensions: int
    norm: float
    first: str
    strip: SafeString


def picture(embedding: Embedding) -> Picture:
    values = embedding.values
    first = ", ".join(f"{value:.4f}" for value in values[:FIRST].tolist())
    return Picture(
        embedding,
        len(values),
        float(np.linalg.norm(values.astype(np.float64))),
        first + (", …" if len(values) > FIRST else ""),
        strip(values),
    )


def strip(values: Array) -> SafeString:
    """An SVG with a bar for each number: up where it is positive, down where negative. The largest
    fill the strip."""
    finite = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    largest = float(np.abs(finite).max()) or 1.0
    middle = HEIGHT / 2
    bars = {True: "", False: ""}
    for place, value in enumerate((finite / largest * middle).tolist()):
        bars[value > 0] += f"M{place}.5 {middle:g}v{-value:.1f}"
    return format_html(
        '<svg class="vector-strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{} numbers from {} to {}">'
        '<path class="above" d="{}"/><path class="below" d="{}"/></svg>',
        len(finite),
        HEIGHT,
        len(finite),
        f"{finite.min():.4f}",
        f"{finite.max():.4f}",
        bars[True],
        bars[False],
    )
