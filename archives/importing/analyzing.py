"""Statistics of partitions that had none."""

from django.db import DEFAULT_DB_ALIAS, connections

from archives.importing import sql
from vibomat import timeouts


def analyze_new(using: str = DEFAULT_DB_ALIAS) -> None:
    """Analyze filled partitions that never were.

    PostgreSQL takes what it knows nothing of for a row, and reads all archives of an owner, where
    an index has the few that answer, until autovacuum comes by.
    """
    connection = connections[using]
    with timeouts.lifted(using), connection.cursor() as cursor:
        cursor.execute(sql.NEVER_ANALYZED)
        for (name,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(name)}")
