from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._sql import read


class Migration(migrations.Migration):
    """The functions of the triggers anew, for databases made before they were faster."""

    dependencies = [("search", "0010_resolve")]
    operations = [
        WithLockTimeout(
            *(
                migrations.RunSQL(read(name), migrations.RunSQL.noop)
                for name in ("functions.sql", "triggers.sql")
            )
        )
    ]
