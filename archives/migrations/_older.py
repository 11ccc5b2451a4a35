"""Frozen for this app's migrations: how the older schema becomes the present one and returns.

Both are tables of their own, and triggers carry every write from the one in use to the other:

* 0002 creates `playlist_present` beside the older `playlist`, and 0003 fills it in batches.
* 0004 exchanges the names in one short transaction. From then on `playlist` is the present table,
  and `playlist_older` follows it until 0006 drops it.
* Migrating back, 0006 creates `playlist_older` anew, 0005 fills it, 0004 exchanges the names
  again, and 0002 drops the present table.

So any of these states can be left in both directions, and whoever writes meanwhile is kept.

* The column `older_values` of the present table holds, by column, `{"older": ..., "present": ...}`
  where a present value would not give the older one back, and under `content` the older text
  (`text`, with the `reason` if JSONB can't hold it or would change it) or its `shape`. An older
  value returns as long as the present one is unedited.
* `archive_kept_aside` holds, while the older schema is in use, what that has no place for: per row
  the columns as the older schema got them (`older`) and as they are (`present`). Where the older
  application changed a value since, its value wins.
"""

from pathlib import Path
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


class OlderJSONField(models.TextField):  # type: ignore[type-arg]
    """PostgreSQL's `json`, which keeps its text byte for byte; read and written as that text."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def select_format(
        self, compiler: SQLCompiler, sql: str, params: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return f"{sql}::text", params


def read(name: str) -> str:
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")


# Each state's triggers; both may be there already if a migration back runs twice.
FOLLOW_OLDER = """
CREATE OR REPLACE TRIGGER archive_to_present AFTER INSERT OR UPDATE OR DELETE ON playlist
    FOR EACH ROW EXECUTE FUNCTION archive_to_present();
CREATE OR REPLACE TRIGGER archive_truncate_present AFTER TRUNCATE ON playlist
    EXECUTE FUNCTION archive_to_present();
"""
FOLLOW_PRESENT = """
CREATE OR REPLACE TRIGGER archive_to_older AFTER INSERT OR UPDATE OR DELETE ON playlist
    FOR EACH ROW EXECUTE FUNCTION archive_to_older();
CREATE OR REPLACE TRIGGER archive_truncate_older AFTER TRUNCATE ON playlist
    EXECUTE FUNCTION archive_to_older();
"""

DROP_CONVERSION = """
DROP FUNCTION IF EXISTS archive_to_present();
DROP FUNCTION IF EXISTS archive_to_older();
DROP FUNCTION IF EXISTS archive_store_present;
DROP FUNCTION IF EXISTS archive_store_older;
DROP FUNCTION IF EXISTS archive_present_value(text, jsonb);
DROP FUNCTION IF EXISTS archive_older_value(text, jsonb);
DROP FUNCTION IF EXISTS archive_json_from_content(jsonb, jsonb);
DROP FUNCTION IF EXISTS archive_content_from_json(json);
DROP FUNCTION IF EXISTS archive_repaired_json(text);
DROP FUNCTION IF EXISTS archive_exchange(regclass, text);
DROP FUNCTION IF EXISTS archive_drop_constraints(regclass);
DROP FUNCTION IF EXISTS archive_validate_foreign_keys();
"""
