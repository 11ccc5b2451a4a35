"""Dropping an old period."""

from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.utils import CursorWrapper
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.lookups import Exact

from archives import sql
from archives.models import Archive

from .changes import change, columns, refers, to_validate, validate, without_references
from .existing import DEFAULT, Partition, PartitionError, Period, partitions


@dataclass(frozen=True)
class Drop:
    """What dropping a period means. `kept` rows have ids of another version and stay, in the
    default partition; `referrers` are rows elsewhere that refer to those that go: what, how many,
    and what becomes of them."""

    partition: Partition
    period: Period
    rows: int
    kept: int
    referrers: tuple[tuple[str, int, str], ...]
    using: str = DEFAULT_DB_ALIAS

    def __str__(self) -> str:
        going = f"{self.rows - self.kept:,} archives, {self.partition.size:,} bytes"
        lines = [f"Drop {self.partition.name}: {going}"]
        if self.kept:
            lines.append(f"{self.kept:,} with ids older than version 7 move to {DEFAULT}")
        lines += [
            f"{count:,} {what} refer to them and are {fate}" for what, count, fate in self.referrers
        ]
        return "\n".join(lines)

    def apply(self) -> None:
        """Do it, in one transaction."""
        change(self.using, self._apply)
        for step in to_validate(self.using):
            validate(step, self.using)

    def _apply(self, cursor: CursorWrapper) -> None:
        name, period = self.partition.name, self.period
        if name not in {found.name for found in partitions(self.using)}:
            return
        cursor.execute(sql.LOCK_ALL)
        _refuse_unknown_references(period, self.using)
        for relation in _relations():
            _unlink(relation, period, self.using)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with without_references(cursor, name, sql.OLDER):
            cursor.execute(sql.DETACH.format(name=name))
            words = {"name": name, "older": sql.OLDER, "columns": columns(cursor)}
            cursor.execute(sql.KEEP.format(**words))
            cursor.execute(sql.DROP.format(name=name))


def drop(name: str, using: str = DEFAULT_DB_ALIAS) -> Drop:
    """What dropping that period would do; its `apply` does it. Raise PartitionError for what is no
    period of this project, or is not over."""
    found = {partition.name: partition for partition in partitions(using)}
    if name not in found:
        raise PartitionError(f"There is no partition called {name}: see archive_partitions status.")
    partition = found[name]
    if partition.period is None:
        raise PartitionError(f"{name} is no period that this project made: it is never dropped.")
    if partition.period.end > Period.now().start:
        raise PartitionError(f"{name} is not over yet.")
    _refuse_unknown_references(partition.period, using)
    with connections[using].cursor() as cursor:
        cursor.execute(sql.COUNT.format(name=name, older=sql.OLDER))
        rows, kept = cursor.fetchone()
    referrers = []
    for relation in _relations():
        referring = _referring(relation, partition.period, using)
        if relation.related_model is Archive:
            referring = referring.exclude(_of("pk", partition.period))
        if count := referring.count():
            what = relation.related_model._meta.verbose_name_plural
            referrers.append((f"{what}", count, _fate(relation)))
    return Drop(partition, partition.period, rows, kept, tuple(referrers), using)


def _relations() -> list[ForeignObjectRel]:
    """The models that refer to archives by a foreign key."""
    return [
        relation
        for relation in Archive._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel) and not relation.many_to_many
    ]


def _fate(relation: ForeignObjectRel) -> str:
    if relation.on_delete is models.CASCADE:
        return "deleted"
    return "kept without that" if relation.on_delete is models.SET_NULL else "in the way"


def _referring(relation: ForeignObjectRel, period: Period, using: str) -> "models.QuerySet[Any]":
    """The rows that refer to archives of that period which end with it."""
    return relation.related_model._base_manager.using(using).filter(
        _of(relation.field.name, period)
    )


def _of(name: str, period: Period) -> models.Q:
    version = models.Func(
        models.F(name), function="uuid_extract_version", output_field=models.SmallIntegerField()
    )
    return models.Q(
        Exact(version, 7), **{f"{name}__gte": period.lower, f"{name}__lt": period.upper}
    )


def _unlink(relation: ForeignObjectRel, period: Period, using: str) -> None:
    """Do to the rows that refer to a period's archives what deleting those would do."""
    rows = _referring(relation, period, using)
    if relation.on_delete is models.CASCADE:
        rows.delete()
    elif relation.on_delete is models.SET_NULL:
        rows.update(**{relation.field.name: None})
    elif rows.exists():
        what = relation.related_model._meta.verbose_name_plural
        raise PartitionError(f"There are {what} that refer to archives of {period.name}.")


def _refuse_unknown_references(period: Period, using: str) -> None:
    """Raise PartitionError if rows that Django knows nothing of refer to a period's archives."""
    known = {
        (relation.related_model._meta.db_table, relation.field.column) for relation in _relations()
    }
    with connections[using].cursor() as cursor:
        cursor.execute(sql.FOREIGN_KEYS)
        for name, referrer, column, is_inbound, _, _ in cursor.fetchall():
            if not is_inbound or (referrer, column) in known:
                continue
            quoted = connections[using].ops.quote_name(column)
            if refers(cursor, referrer, quoted, period.name, f"NOT ({sql.OLDER})"):
                raise PartitionError(
                    f"Rows of {referrer} refer to archives of {period.name} ({name}): "
                    "delete them first."
                )
