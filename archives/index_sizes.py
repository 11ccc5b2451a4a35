"""How large the indexes of the archives' table are."""

from collections.abc import Iterable

from django.db import connection

from archives import sql


def index_sizes(names: Iterable[str]) -> dict[str, int]:
    """The bytes of each of these indexes that there is, all its partitions together."""
    with connection.cursor() as cursor:
        cursor.execute(sql.INDEX_SIZES, [list(names)])
        return dict(cursor.fetchall())
