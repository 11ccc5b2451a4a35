from django.db import migrations, models

from vibomat.migration_operations import AddIndexSafely


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0009_knox")]

    operations = [
        AddIndexSafely("accesstoken", models.Index("token_key", name="access_token_key")),
    ]
