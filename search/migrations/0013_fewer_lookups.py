from django.db import migrations

from ._sql import read


class Migration(migrations.Migration):
    """The functions of a search anew, for databases made before they looked for the neighbours of
    rarer words only, and put an artist's name before another's alias."""

    dependencies = [("search", "0012_complete")]
    safe_although = {"require-lock-timeout": "Functions alone: no table is locked."}
    operations = [migrations.RunSQL(read("ranking.sql"), migrations.RunSQL.noop)]
