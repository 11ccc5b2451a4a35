"""Adding a path is adding a line to archives/paths.py and running `makemigrations`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection

LINE = '    Text("label", "a track of that label", "warp", at="$.tracks[*].label"),\n'
BEFORE = '    Choice("provider",'
ASK = """
from django.contrib import admin
from archives.models import Archive
from archives.explaining import explain
Archive.objects.create(name="Late", content={"tracks": [{"artist": "Air", "label": "Wârp"}]})
explained = explain({"label": "warp"})
print(explained.found, "archive_label" in explained.indexes, explained.sequential)
filters = admin.site.get_model_admin(Archive).list_filter
print("label" in {kind.parameter_name for kind in filters})
Archive.objects.all().delete()
"""
VALID = """
SELECT count(*) = count(*) FILTER (WHERE i.indisvalid) AND count(*) = (
    SELECT count(*) FROM pg_partition_tree('playlist'))
FROM pg_partition_tree(to_regclass('archive_label')) AS part
JOIN pg_index AS i ON i.indexrelid = part.relid
"""


def database_url() -> str:
    """The test's database."""
    parameters = connection.get_connection_params()
    user, password = (quote(str(parameters.get(name) or "")) for name in ("user", "password"))
    # A socket's folder can't stand where a host does.
    query = urlencode({"host": parameters["host"], "port": parameters.get("port") or 5432})
    return f"postgresql://{user}:{password}@/{parameters['dbname']}?{query}"


@pytest.mark.django_db(transaction=True)
def test_a_line_and_makemigrations_are_all_it_takes(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "tests")
    for app in settings.BASE_DIR.glob("*/apps.py"):
        shutil.copytree(app.parent, tmp_path / app.parent.name, ignore=ignored)
    shutil.copy(settings.BASE_DIR / "manage.py", tmp_path)
    paths = tmp_path / "archives" / "paths.py"
    text = paths.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    paths.write_text(text.replace(BEFORE, LINE + BEFORE), encoding="utf-8")

    def manage(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=tmp_path,
            env={**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    migrations = tmp_path / "archives" / "migrations"
    before = sorted(path.stem for path in migrations.glob("0*.py"))
    manage("makemigrations", "archives", "--name", "label")
    (written,) = migrations.glob("*_label.py")
    migration = written.read_text(encoding="utf-8")
    assert "    atomic = False\n" in migration
    assert migration.count("AddIndexSafely(") == 1
    assert "migrations.AddIndex(" not in migration
    try:
        manage("migrate", "archives")
        with connection.cursor() as cursor:
            cursor.execute(VALID)
            assert cursor.fetchone() == (True,)
        assert manage("shell", "--no-imports", "-c", ASK).split() == ["1", "True", "0", "True"]
        assert "`label`" in manage("archive_paths", "--markdown")
    finally:
        manage("migrate", "archives", before[-1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('archive_label')")
        assert cursor.fetchone() == (None,)
