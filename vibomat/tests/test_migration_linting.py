"""Unsafe migrations are refused, and those of the project are safe or say why."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from vibomat import migration_linting
from vibomat.migration_linting import lint_migration
from vibomat.migration_operations import AddIndexSafely, RunInBatches, WithLockTimeout

SONG = migrations.CreateModel(
    "Song", [("id", models.BigAutoField(primary_key=True)), ("title", models.TextField())]
)
INDEX = models.Index(fields=["title"], name="song_title")


def sql_of(*operations: Operation, atomic: bool = True) -> str:
    """What `sqlmigrate` prints for operations on a table of songs that is there."""
    state = ProjectState()
    SONG.state_forwards("search", state)
    migration = Migration("9999_later", "search")
    migration.operations = list(operations)  # type: ignore[misc]
    with connection.schema_editor(collect_sql=True, atomic=atomic) as editor:
        migration.apply(state, editor, collect_sql=True)
    return "\n".join(editor.collected_sql)


def rules(*operations: Operation, atomic: bool = True, **attributes: Any) -> set[str]:
    migration = type("Migration", (Migration,), {"atomic": atomic, **attributes})("9999", "search")
    sql = sql_of(*operations, atomic=atomic)
    return {finding.rule for finding in lint_migration("search.9999", migration, sql)}


@pytest.mark.django_db(transaction=True)
def test_the_projects_migrations_are_safe_or_say_why() -> None:
    assert [str(finding) for finding in migration_linting.lint_project()] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operation", "rule"),
    [
        (migrations.AddIndex("song", INDEX), "require-concurrent-index-creation"),
        (migrations.RemoveField("song", "title"), "ban-drop-column"),
        (migrations.RenameField("song", "title", "name"), "renaming-column"),
        (migrations.DeleteModel("Song"), "ban-drop-table"),
        (
            migrations.AddField("song", "year", models.IntegerField(null=True)),
            "require-lock-timeout",
        ),
        (
            migrations.AlterField("song", "title", models.CharField(max_length=10)),
            "changing-column-type",
        ),
        (
            migrations.AddConstraint(
                "song", models.CheckConstraint(condition=models.Q(id__gt=0), name="positive")
            ),
            "constraint-missing-not-valid",
        ),
        (
            migrations.AddConstraint("song", models.UniqueConstraint("title", name="once")),
            "require-concurrent-index-creation",
        ),
        (
            migrations.RunSQL("ALTER TABLE song SET LOGGED; VACUUM FULL song"),
            "require-lock-timeout",
        ),
    ],
)
def test_an_unsafe_operation_is_found(operation: Operation, rule: str) -> None:
    assert rule in rules(operation)


@pytest.mark.django_db(transaction=True)
def test_the_projects_own_operations_are_safe() -> None:
    year = migrations.AddField("song", "year", models.IntegerField(null=True))
    assert rules(WithLockTimeout(year)) == set()
    assert rules(AddIndexSafely("song", INDEX), atomic=False) == set()
    fill = "UPDATE song SET title = title || '%%' WHERE id BETWEEN %(first)s AND %(last)s"
    assert rules(RunInBatches("song", forwards=[fill]), atomic=False) == set()


@pytest.mark.django_db
def test_an_exception_that_is_told_is_passed_over_and_one_that_is_none_is_found() -> None:
    title = WithLockTimeout(migrations.RemoveField("song", "title"))
    reasons = {"ban-drop-column": "Nobody reads it."}
    assert rules(title) == {"ban-drop-column"}
    assert rules(title, safe_although=reasons) == set()
    year = WithLockTimeout(migrations.AddField("song", "year", models.IntegerField(null=True)))
    assert rules(year, safe_although=reasons) == {"ban-drop-column"}


@pytest.mark.django_db
def test_sql_that_cannot_be_read_is_refused() -> None:
    assert "syntax-error" in rules(migrations.RunSQL("ALTER TABLE song ADD COLUM year int"))


def test_the_command_ends_with_an_error(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    finding = migration_linting.Finding(
        "search.9999", "ban-drop-table", 3, "DROP TABLE song", "No."
    )
    command = "vibomat.management.commands.lint_migrations.lint_project"
    monkeypatch.setattr(command, lambda: [finding])
    with pytest.raises(CommandError, match="1 unsafe operations"):
        call_command("lint_migrations")
    assert "search.9999: ban-drop-table: No.\n    DROP TABLE song" in capsys.readouterr().out
