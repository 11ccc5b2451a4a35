"""What squawk, a linter for PostgreSQL's migrations, says of each migration's SQL.

A migration may say which of its rules it breaks safely, each with the reason:

    class Migration(migrations.Migration):
        safe_although = {"ban-drop-column": "Nothing has read it since the migration before."}

Looked at is what `sqlmigrate` prints for the way forward. What runs as Python isn't seen.
"""

import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

# squawk's rules that aren't followed, and why.
NOT_FOLLOWED = {
    "prefer-bigint-over-int": "small numbers fit",
    "prefer-bigint-over-smallint": "small numbers fit",
    "prefer-text-field": "lengths are the older schema's and Django's own",
    "require-statement-timeout": "migrations take their time; locks do not (lock_timeout)",
    "prefer-robust-stmts": "what stands outside a transaction checks itself what was done",
}
# Bounds of a batch (RunInBatches), a placeholder where SQL has a value.
PLACEHOLDER = re.compile(r"%\((first|last)\)s")
# Locks no table, and is printed only where the extension isn't installed.
CREATE_EXTENSION = re.compile(r"^CREATE EXTENSION [^;]*;$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """A rule that a migration breaks; `line` counts from 1 in what was looked at."""

    migration: str
    rule: str
    line: int
    statement: str
    message: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}: {self.message}\n    {self.statement}"


def lint_project() -> list[Finding]:
    """What is wrong with the migrations of the project's own apps, exceptions told aside."""
    loader = MigrationLoader(connection, replace_migrations=False)
    found: list[Finding] = []
    for (app, name), migration in sorted(loader.graph.nodes.items()):
        if _is_ours(app):
            statements = loader.collect_sql([(migration, False)])
            found += lint_migration(f"{app}.{name}", migration, "\n".join(statements))
    return found


def lint_migration(name: str, migration: Migration, sql: str) -> Iterator[Finding]:
    """What is wrong with that migration's SQL, and exceptions of it that are none."""
    exceptions: dict[str, str] = getattr(migration, "safe_although", {})
    broken = set()
    for finding in lint_sql(name, sql, atomic=migration.atomic):
        broken.add(finding.rule)
        if finding.rule not in exceptions:
            yield finding
    for rule, reason in exceptions.items():
        if rule not in broken:
            yield Finding(name, rule, 0, reason, "This exception is not needed.")


def lint_sql(name: str, sql: str, *, atomic: bool = True) -> list[Finding]:
    """Which rules a migration's SQL breaks; `atomic` says whether it is one transaction."""
    sql = PLACEHOLDER.sub("NULL", CREATE_EXTENSION.sub("", sql)).replace("%%", "%")
    if atomic:
        sql = f"BEGIN;\n{sql}\nCOMMIT;"
    command = [
        str(Path(sysconfig.get_path("scripts")) / "squawk"),
        "--pg-version=18",
        f"--exclude={','.join(NOT_FOLLOWED)}",
        "--reporter=json",
        "--no-error-on-unmatched-pattern",
        f"--stdin-filepath={name}.sql",
    ]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, cwd=settings.BASE_DIR)
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"squawk failed for {name}: {done.stderr.strip()}")
    lines = sql.splitlines()
    return [
        Finding(
            name,
            told["rule_name"],
            told["line"] + 1,
            lines[told["line"]].strip(),
            told["message"],
        )
        for told in json.loads(done.stdout)
    ]


def _is_ours(app: str) -> bool:
    """Not of a package, which may be installed in a folder of the project's."""
    path = Path(apps.get_app_config(app).path)
    return path.is_relative_to(settings.BASE_DIR) and "site-packages" not in path.parts
