"""How the declared paths do on the database at hand: what their indexes take and what plans use."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from archives import sql
from archives.filters import Choice, Path, Range
from archives.index_sizes import index_sizes
from archives.models import Archive
from archives.paths import INDEXES, PATHS
from archives.querysets import ArchiveQuerySet

PAGE = 50


@dataclass
class Explained:
    """What finding the newest 50 archives took: rows found and rows looked at, milliseconds as the
    client sees them once the plan is made, and the scans that ran, by in how many partitions."""

    asked: Mapping[str, Any]
    found: int = 0
    looked_at: int = 0
    milliseconds: float = 0.0
    scans: Counter[str] = field(default_factory=Counter)
    indexes: set[str] = field(default_factory=set)
    sequential: int = 0

    @property
    def has_index(self) -> bool:
        """Whether an index of a path asked for answered, that of the ids did which tell times, or
        the latest rows filled the page of a column; and no filled partition was read whole."""
        asked = [path for path in PATHS if any(p.name in self.asked for p in path.parameters)]
        is_filled = self.found == PAGE and any(isinstance(p, Choice | Range) for p in asked)
        is_of_time = any(path.type == "time" for path in asked)
        answered = self.indexes & {path.index_name for path in asked}
        answered |= self.indexes & ({"playlist_pkey"} if is_of_time else set())
        return not self.sequential and (is_filled or bool(answered))


def explain(asked: Mapping[str, Any], archives: ArchiveQuerySet | None = None) -> Explained:
    """Ask those archives, or all, for these parameters of paths. Raise ValidationError."""
    explained = Explained(asked)
    if archives is None:
        archives = Archive.objects.filter(deleted=None)
    rows = archives.defer("content").by_paths(asked)
    rows.newest(PAGE)
    start = time.perf_counter()
    explained.found = len(rows.newest(PAGE))
    explained.milliseconds = (time.perf_counter() - start) * 1000
    with _plans() as plans:
        rows.newest(PAGE)
    indexes = _whole_indexes()
    for plan in plans:
        for node in _nodes(plan):
            _note(node, explained, indexes)
    return explained


def examples() -> Iterator[tuple[Path, dict[str, Any]]]:
    """What each path is asked by its example."""
    for path in PATHS:
        yield path, {path.parameters[0].name: path.example}


@dataclass(frozen=True)
class IndexUse:
    """A path's index: its bytes, and how often any plan used it since statistics were reset; both
    None where the database has no such index."""

    size: int | None
    scans: int | None


def index_uses() -> dict[str, IndexUse]:
    """The declared indexes by name."""
    names = [index.name for index in INDEXES]
    sizes = index_sizes(names)
    with connection.cursor() as cursor:
        cursor.execute(sql.INDEX_SCANS, [names])
        scans = dict(cursor.fetchall())
    return {name: IndexUse(sizes.get(name), scans.get(name)) for name in names}


def table(bytes_by_index: Mapping[str, float]) -> str:
    """The paths as a table of docs/archives.md, with their indexes' bytes an archive."""
    lines = [
        "| parameters | archives with | index | bytes an archive |",
        "| --- | --- | --- | --- |",
    ]
    told: set[str] = set()
    for path in PATHS:
        name = path.index_name
        size = "" if name in told or name not in bytes_by_index else f"{bytes_by_index[name]:.0f}"
        told.add(name)
        parameters = ", ".join(f"`{parameter.name}`" for parameter in path.parameters)
        index = f"`{name}`" if name else "none"
        lines.append(f"| {parameters} | {path.help} | {index} | {size} |")
    return "\n".join(lines)


@contextmanager
def _plans() -> Iterator[list[dict[str, Any]]]:
    """The plans of the prepared statements that run inside the block."""
    plans: list[dict[str, Any]] = []

    def explained(
        execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any
    ) -> Any:
        # What sets its settings is sent before it.
        settings, _, executed = statement.partition("; EXECUTE ")
        if executed:
            explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE"
            execute(f"{settings}; {explain} {executed}", params, many, context)
            context["cursor"].nextset()
            (found,) = context["cursor"].fetchone()
            plans.append((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
        return execute(statement, params, many, context)

    with connection.execute_wrapper(explained):
        yield plans


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan.get("Actual Loops"):
        yield plan
        for inner in plan.get("Plans", ()):
            yield from _nodes(inner)


def _note(node: dict[str, Any], explained: Explained, indexes: Mapping[str, str]) -> None:
    kind = node["Node Type"]
    if index := node.get("Index Name"):
        whole = indexes.get(index, index)
        explained.indexes.add(whole)
        explained.scans[f"{kind} on {whole}"] += 1
    if kind.endswith("Scan") and "Relation Name" in node:
        removed = node.get("Rows Removed by Filter", 0)
        removed += node.get("Rows Removed by Index Recheck", 0)
        rows = round((node["Actual Rows"] + removed) * node["Actual Loops"])
        explained.looked_at += rows
        if kind == "Seq Scan" and rows:
            explained.sequential += 1
            explained.scans[kind] += 1


def _whole_indexes() -> dict[str, str]:
    """The indexes of the table by those of its partitions."""
    with connection.cursor() as cursor:
        cursor.execute(sql.PARTS_OF_INDEXES)
        return dict(cursor.fetchall())
