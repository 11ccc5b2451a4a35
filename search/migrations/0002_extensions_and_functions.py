"""Extensions, the text search configuration and the functions that fold spelling.

An extension that exists is left alone, so that a role without the right to create any migrates
where an administrator has installed them. Migrating back leaves them all: others may use them.
"""

from django.contrib.postgres.operations import (
    CreateExtension,
    TrigramExtension,
    UnaccentExtension,
)
from django.db import migrations
from django.db.migrations.operations.base import Operation
from pgvector.django import VectorExtension

from vibomat.migration_operations import WithLockTimeout

from ._sql import read

# Words as they are: no stop words, no stemming.
CREATE_CONFIGURATION = """
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_ts_config WHERE cfgname = 'vibomat' AND pg_ts_config_is_visible(oid)
    ) THEN
        CREATE TEXT SEARCH CONFIGURATION vibomat (COPY = pg_catalog.simple);
    END IF;
END
$$
"""

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS
    search_normalise(text), search_key(text), search_bare_title(text), search_main_credit(text),
    search_deletes(text), search_probes(text, int)
"""


class OneWay(migrations.SeparateDatabaseAndState):
    def __init__(self, operation: Operation) -> None:
        super().__init__(database_operations=[operation])

    def database_backwards(self, *args: object) -> None:
        pass


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        OneWay(TrigramExtension()),
        OneWay(UnaccentExtension()),
        OneWay(CreateExtension("fuzzystrmatch")),
        OneWay(VectorExtension()),
        WithLockTimeout(
            migrations.RunSQL(
                CREATE_CONFIGURATION, "DROP TEXT SEARCH CONFIGURATION IF EXISTS vibomat"
            ),
            migrations.RunSQL(read("functions.sql"), DROP_FUNCTIONS),
        ),
    ]
