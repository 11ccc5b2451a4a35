"""Resolving lists of tracks, beside plain pg_trgm and a search for each track.

A match is right when the judged query lists the track as relevant. That list holds every edition of
the song under the same artist credit when the query names none (remasters, remixes, live
recordings), and only that edition when it names one; the song under another credit (with a guest,
as a tribute) is wrong. Nothing is right for an invented track.
"""

import http.client
import json
import random
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import logistic
from benchmarks.judging import Judged, judged_queries, percentile
from benchmarks.resolve_cases import Case, invented_cases, judged_cases, relabelled_cases
from benchmarks.serving import served
from search.candidates import find_candidates
from search.confidence import COEFFICIENTS, Differences
from search.engine import search
from search.resolve import BATCH, MATCH, ranked, resolve

HELP = "quality and latency of resolving lists"
TARGETS = "precision ≥ .99 at recall ≥ .97; 500 tracks in ≤ 1 s in one request"
# Invented tracks for one that is judged, when fitting: what is rare among them is met more often.
INVENTED = 3
# And so many of each of two kinds that the aim says nothing of.
BEYOND = 0.25
BEYOND_THE_AIM = ("other word", "relabelled")
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


@dataclass
class Answer:
    """A way's likeliest track for a case and how sure it is of it."""

    case: Case
    external_id: str | None
    confidence: float

    @property
    def is_right(self) -> bool:
        return self.external_id in self.case.tracks


@dataclass
class Way:
    """A way of resolving: its answers, and the milliseconds each list or track took."""

    name: str
    threshold: float
    answers: list[Answer] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--queries", type=Path, required=True, help="judged queries, JSON Lines")
    parser.add_argument(
        "--seed", type=int, default=7, help="draws the halves and the invented tracks"
    )
    parser.add_argument(
        "--others",
        type=int,
        default=1000,
        metavar="N",
        help="resolve only N tracks in the other ways, which are slow (0: none)",
    )
    parser.add_argument("--no-http", action="store_true", help="leave the web server out")
    parser.add_argument(
        "--fit", action="store_true", help="fit the confidence and print its coefficients"
    )


def measure(console: Console, options: dict[str, Any]) -> None:
    queries = judged_queries(options["queries"])
    if options["fit"]:
        fit(queries, seed=options["seed"], console=console)
    else:
        run(
            queries,
            seed=options["seed"],
            others=options["others"],
            over_http=not options["no_http"],
            console=console,
        )


def run(
    queries: list[Judged], *, seed: int, others: int, over_http: bool, console: Console
) -> None:
    """Resolve the cases in every way and print the tables."""
    tuned, held_out = halves(queries, seed)
    ours = Way("vibomat", MATCH)
    _ask_in_lists(ours, tuned + held_out, _resolve_here)
    timed = [ours]
    if over_http:
        with served() as address:
            connected = http.client.HTTPConnection(*address, timeout=60)
            over = Way("vibomat over HTTP", MATCH)
            _ask_in_lists(over, tuned + held_out, lambda cases: _resolve_there(connected, cases))
            connected.close()
        timed.append(over)
    known = dict.fromkeys(tuned, "tuned") | dict.fromkeys(held_out, "held out")
    draw = random.Random(seed)
    sample = [
        case
        for half in (tuned, held_out)
        for case in draw.sample(half, min(others // 2, len(half)))
    ]
    compared = []
    if sample:
        compared = [
            _ask_each("a search for each", sample, _search_each),
            _ask_each("pg_trgm similarity", sample, _similarity),
        ]
    for way in compared:
        way.threshold = _best_threshold(_aimed_at(way, known, "tuned"))
    _print_quality([ours, *compared], known, console)
    _print_kinds(ours, console)
    _print_reliability(ours, known, console)
    _print_latency([*timed, *compared], console)
    console.print(f"Aim: {TARGETS}.")


def fit(queries: list[Judged], *, seed: int, console: Console) -> None:
    """Fit the confidence's coefficients on the half for tuning, and print them."""
    tuned, _ = halves(queries, seed, invented=INVENTED)
    rows: list[Differences] = []
    right: list[bool] = []
    weights: list[float] = []
    for start in range(0, len(tuned), BATCH):
        cases = tuned[start : start + BATCH]
        found = find_candidates([case.entry for case in cases])
        for case, candidates in zip(cases, found, strict=True):
            if tracks := ranked(case.entry, candidates):
                track, names = tracks[0]
                rows.append(names)
                right.append(track.external_id in case.tracks)
                weights.append(1 if case.tracks else 1 / INVENTED)
    fitted = Differences._fields[: len(COEFFICIENTS)]
    intercept, *coefficients = logistic.fit([row[: len(fitted)] for row in rows], right, weights)
    console.print(f"{len(rows)} cases of {len(tuned)} have a track whose names are alike.")
    console.print(f"INTERCEPT = {intercept:.2f}")
    for name, value in zip(fitted, coefficients, strict=True):
        count = sum(1 for row in rows if getattr(row, name))
        console.print(f"{value:6.2f}  {name}, in {count} cases")


def halves(queries: list[Judged], seed: int, *, invented: int = 1) -> tuple[list[Case], list[Case]]:
    """Cases to tune rules on, and cases held out: each half has judged cases, `invented` times as
    many invented ones, and a share of the kinds beyond the aim. Misspellings of one track stay
    together."""
    judged = judged_cases(queries)
    if not judged:
        raise CommandError("No query for a track names its artist: nothing to resolve.")
    tracks = sorted({min(case.tracks) for case in judged})
    tuned_tracks = set(random.Random(seed).sample(tracks, len(tracks) // 2))
    tuned = [case for case in judged if min(case.tracks) in tuned_tracks]
    held_out = [case for case in judged if min(case.tracks) not in tuned_tracks]
    for half, number in ((tuned, 2 * seed), (held_out, 2 * seed + 1)):
        size = len(half)
        half += invented_cases(invented * size, number)
        half += invented_cases(round(BEYOND * size), number, ["other word"])
        half += relabelled_cases(round(BEYOND * size), number)
        random.Random(number).shuffle(half)
    return tuned, held_out


def _ask_in_lists(
    way: Way, cases: list[Case], ask: Callable[[Sequence[Case]], Iterator[Answer]]
) -> None:
    list(ask(cases[:BATCH]))  # to warm up
    for start in tqdm(range(0, len(cases), BATCH), desc=way.name, leave=False, disable=None):
        entries = cases[start : start + BATCH]
        began = time.perf_counter()
        way.answers += ask(entries)
        if len(entries) == BATCH:
            way.took_ms.append((time.perf_counter() - began) * 1000)


def _resolve_here(cases: Sequence[Case]) -> Iterator[Answer]:
    resolutions = resolve([case.entry for case in cases])
    for case, resolution in zip(cases, resolutions, strict=True):
        likeliest = resolution.track or next(iter(resolution.alternatives), None)
        yield Answer(case, likeliest.external_id if likeliest else None, resolution.confidence)


def _resolve_there(
    connected: http.client.HTTPConnection, cases: Sequence[Case]
) -> Iterator[Answer]:
    tracks = [{"artist": case.entry.artist, "title": case.entry.title} for case in cases]
    connected.request(
        "POST",
        "/api/search/resolve/",
        json.dumps({"tracks": tracks}),
        {"Content-Type": "application/json"},
    )
    response = connected.getresponse()
    body = response.read()
    if response.status != 200:
        raise CommandError(f"HTTP {response.status}: {body[:200]!r}")
    for case, result in zip(cases, json.loads(body)["results"], strict=True):
        track = result["track"] or {"external_id": None}
        yield Answer(case, track["external_id"], result["confidence"])


def _ask_each(name: str, cases: list[Case], ask: Callable[[Case], tuple[str | None, float]]) -> Way:
    way = Way(name, 0)
    for case in cases[:20]:
        ask(case)
    for case in tqdm(cases, desc=name, unit=" tracks", leave=False, disable=None):
        began = time.perf_counter()
        way.answers.append(Answer(case, *ask(case)))
        way.took_ms.append((time.perf_counter() - began) * 1000)
    return way


def _search_each(case: Case) -> tuple[str | None, float]:
    hits = search(f"{case.entry.artist} {case.entry.title}", kind="track", limit=1).hits
    return (hits[0].external_id, hits[0].likeness) if hits else (None, 0)


def _similarity(case: Case) -> tuple[str | None, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, least(similarity(title, %(title)s),"
            " similarity(artist_credit, %(artist)s)) AS likeness"
            " FROM track WHERE title %% %(title)s ORDER BY likeness DESC, popularity DESC LIMIT 1",
            {"artist": case.entry.artist, "title": case.entry.title},
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else (None, 0)


def _aimed_at(way: Way, halves: dict[Case, str], half: str) -> list[Answer]:
    """The answers for one half, without the kinds beyond the aim."""
    return [
        answer
        for answer in way.answers
        if halves[answer.case] == half and answer.case.kind not in BEYOND_THE_AIM
    ]


def _precision_and_recall(answers: Sequence[Answer], threshold: float) -> tuple[float, float]:
    given = [answer for answer in answers if answer.external_id and answer.confidence >= threshold]
    right = sum(answer.is_right for answer in given)
    judged = sum(bool(answer.case.tracks) for answer in answers)
    return right / max(1, len(given)), right / max(1, judged)


def _best_threshold(answers: Sequence[Answer]) -> float:
    """That of the greatest F1."""

    def f1(threshold: float) -> float:
        precision, recall = _precision_and_recall(answers, threshold)
        return 2 * precision * recall / max(1e-9, precision + recall)

    return max((step / 100 for step in range(100)), key=f1)


def _print_quality(ways: list[Way], halves: dict[Case, str], console: Console) -> None:
    table = _table("Quality", ("way", "half"), ("tracks", "threshold", "precision", "recall"))
    for way in ways:
        for half in ("tuned", "held out"):
            answers = _aimed_at(way, halves, half)
            precision, recall = _precision_and_recall(answers, way.threshold)
            table.add_row(
                way.name, half, str(len(answers)), f"{way.threshold:.2f}",
                f"{precision:.4f}", f"{recall:.4f}",
            )  # fmt: skip
    console.print(table)


def _print_kinds(way: Way, console: Console) -> None:
    table = _table(
        f"{way.name}: matches in both halves", ("kind",), ("tracks", "right", "wrong", "none")
    )
    for kind in sorted({answer.case.kind for answer in way.answers}):
        answers = [answer for answer in way.answers if answer.case.kind == kind]
        given = [answer for answer in answers if answer.confidence >= way.threshold]
        right = sum(answer.is_right for answer in given)
        counts = len(answers), right, len(given) - right, len(answers) - len(given)
        table.add_row(kind, *map(str, counts))
    console.print(table)


def _print_reliability(way: Way, halves: dict[Case, str], console: Console) -> None:
    """Of the tracks given a confidence, how many were right: the likeliest track of every entry,
    those that are not given for a match included."""
    table = _table(
        "Reliability", ("half", "confidence"), ("tracks", "mean confidence", "share right")
    )
    for half in ("tuned", "held out"):
        answers = [answer for answer in _aimed_at(way, halves, half) if answer.confidence]
        for low, high in pairwise(BINS):
            within = [a for a in answers if low <= a.confidence < high]
            if within:
                mean = sum(a.confidence for a in within) / len(within)
                right = sum(a.is_right for a in within) / len(within)
                table.add_row(
                    half,
                    f"{low:.2f} to {high:.2f}",
                    str(len(within)),
                    f"{mean:.3f}",
                    f"{right:.3f}",
                )
    console.print(table)


def _print_latency(ways: list[Way], console: Console) -> None:
    table = _table(
        f"Milliseconds for {BATCH} tracks, one client", ("way",), ("p50", "p95", "max", "mean")
    )
    for way in ways:
        # One track at a time: a list takes so many times as long.
        each = len(way.took_ms) == len(way.answers)
        scale = BATCH if each else 1
        mean = scale * sum(way.took_ms) / max(1, len(way.took_ms))
        shares = (
            ["", "", ""]
            if each
            else [f"{percentile(way.took_ms, share):.0f}" for share in (0.5, 0.95, 1)]
        )
        table.add_row(way.name, *shares, f"{mean:.0f}")
    console.print(table)


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title)
    for name in names:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
