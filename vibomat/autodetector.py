"""What `makemigrations` writes: Django's, but for indexes of tables that may be large and busy."""

from django.db.migrations import AddIndex, Migration, RemoveIndex
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.operations.base import Operation
from django.db.migrations.writer import MigrationWriter

from vibomat.migration_operations import AddIndexSafely, RemoveIndexSafely


class SafeAutodetector(MigrationAutodetector):
    """Adds and removes indexes of tables that exist by the safe operations, in migrations of their
    own which are not atomic: those that remove them before the other changes, those that add them
    after."""

    migrations: dict[str, list[Migration]]

    def _optimize_migrations(self) -> None:
        for app_label, migrations in self.migrations.items():
            self.migrations[app_label] = [
                part for migration in migrations for part in self._split(migration)
            ]
        super()._optimize_migrations()  # type: ignore[misc]

    def _split(self, migration: Migration) -> list[Migration]:
        removing: list[Operation] = []
        adding: list[Operation] = []
        others: list[Operation] = []
        for operation in migration.operations:
            if not isinstance(operation, AddIndex | RemoveIndex) or not self._exists(
                migration.app_label, operation.model_name
            ):
                others.append(operation)
            elif isinstance(operation, AddIndex):
                adding.append(AddIndexSafely(operation.model_name, operation.index))
            else:
                removing.append(RemoveIndexSafely(operation.model_name, operation.name))
        parts = []
        for name, operations, atomic in [
            ("removing", removing, False),
            ("others", others, True),
            ("adding", adding, False),
        ]:
            if operations:
                part = type("Migration", (Migration,), {"atomic": atomic})(
                    f"{migration.name}_{name}", migration.app_label
                )
                part.operations = operations
                part.dependencies = list(migration.dependencies)
                part.initial = migration.initial
                parts.append(part)
        if parts:
            # What others depend on is the last of them.
            parts[-1].name = migration.name
        return parts

    def _exists(self, app_label: str, model_name: str) -> bool:
        new = (app_label, model_name.lower())
        old = (app_label, self.renamed_models.get(new, model_name).lower())
        return old in self.from_state.models


class AtomicityWriter(MigrationWriter):
    """Writes `atomic = False` where a migration has it."""

    def as_string(self) -> str:
        text = super().as_string()
        if not self.migration.atomic:
            head = "class Migration(migrations.Migration):\n"
            text = text.replace(head, f"{head}    atomic = False\n", 1)
        return text
