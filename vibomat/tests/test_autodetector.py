"""`makemigrations` adds indexes safely, in migrations of their own."""

from typing import Any

from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState

from vibomat.autodetector import AtomicityWriter, SafeAutodetector
from vibomat.migration_operations import AddIndexSafely, RemoveIndexSafely

NAME = models.Index(fields=["name"], name="band_name")
YEAR = models.Index(fields=["year"], name="band_year")


def state(*fields: str, indexes: list[models.Index] | None = None, name: str = "Band") -> Any:
    columns: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.IntegerField(primary_key=True)),
        *((field, models.TextField(default="")) for field in fields),
    ]
    return ModelState("accounts", name, columns, options={"indexes": indexes or []})


def changes(before: list[Any], after: list[Any]) -> list[migrations.Migration]:
    states = []
    for models_of_state in (before, after):
        states.append(ProjectState())
        for model in models_of_state:
            states[-1].add_model(model)
    detector: Any = SafeAutodetector
    found: dict[str, list[migrations.Migration]] = detector(*states)._detect_changes()
    return found.get("accounts", [])


def test_an_index_of_a_table_that_exists_is_added_in_a_migration_of_its_own() -> None:
    first, second = changes([state("name")], [state("name", "year", indexes=[NAME, YEAR])])
    assert [type(operation) for operation in first.operations] == [migrations.AddField]
    assert first.atomic
    assert [type(operation) for operation in second.operations] == [AddIndexSafely] * 2
    assert not second.atomic
    assert second.dependencies == [("accounts", first.name)]
    text = AtomicityWriter(second).as_string()
    assert "class Migration(migrations.Migration):\n    atomic = False\n" in text
    assert "vibomat.migration_operations.AddIndexSafely(" in text
    assert "atomic" not in AtomicityWriter(first).as_string()


def test_an_index_is_removed_before_its_field() -> None:
    first, second = changes([state("name", "year", indexes=[YEAR])], [state("name")])
    assert [type(operation) for operation in first.operations] == [RemoveIndexSafely]
    assert not first.atomic
    assert [type(operation) for operation in second.operations] == [migrations.RemoveField]


def test_one_that_changes_is_removed_and_added() -> None:
    changed = models.Index(fields=["-name"], name="band_name")
    found = changes([state("name", indexes=[NAME])], [state("name", indexes=[changed])])
    assert [type(m.operations[0]) for m in found] == [RemoveIndexSafely, AddIndexSafely]
    assert not any(migration.atomic for migration in found)


def test_one_of_a_new_table_is_created_with_it() -> None:
    (only,) = changes([], [state("name", indexes=[NAME])])
    assert [type(operation) for operation in only.operations] == [migrations.CreateModel]
    assert only.operations[0].options["indexes"] == [NAME]  # type: ignore[attr-defined]
    assert only.atomic
