"""Whether the months to come have their partitions."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db.backends.utils import CursorWrapper

from archives import sql
from archives.partitions import Period, missing_months

APPLY = "Run manage.py archive_partitions apply, and every month from cron."


def partitions_ahead(cursor: CursorWrapper) -> list[CheckMessage]:
    """Without this month's partition new archives go where they have to be moved from later."""
    cursor.execute(sql.IS_READY)
    if cursor.fetchone() != (True,):
        text = "The archives are not partitioned."
        return [Error(text, hint="Run manage.py migrate.", id="archives.E001")]
    missing = missing_months(cursor, settings.ARCHIVE_MONTHS_AHEAD)
    if not missing:
        return []
    text = (
        f"These months have no partition: {', '.join(f'{month.start:%Y-%m}' for month in missing)}."
    )
    if Period.now() in missing:
        return [Error(text, hint=APPLY, id="archives.E002")]
    return [Warning(text, hint=APPLY, id="archives.W001")]
