"""The functions by which content is indexed."""

from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import read

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS archive_keys(jsonb, jsonpath, text[]);
DROP FUNCTION IF EXISTS archive_key(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0006_drop_older_table"),
        ("search", "0002_extensions_and_functions"),
    ]

    operations = [WithLockTimeout(migrations.RunSQL(read("keys.sql"), DROP_FUNCTIONS))]
