"""Access tokens become django-rest-knox's, in the table that they have.

Tokens made before stay good: their digests are those that django-rest-knox makes. It looks for a
token by the beginning of its secret, which nobody knows of these; the first use tells it.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_access_token")]

    operations = [
        WithLockTimeout(
            migrations.AddField(
                model_name="accesstoken",
                name="token_key",
                field=models.CharField(db_default="", default="", editable=False, max_length=25),
            ),
        ),
        # The column keeps its name, so that older code goes on while this runs.
        migrations.AlterField(
            model_name="accesstoken",
            name="expires",
            field=models.DateTimeField("expires", blank=True, db_column="expires", null=True),
        ),
        migrations.RenameField("accesstoken", "expires", "expiry"),
        migrations.AlterField(
            model_name="accesstoken",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="auth_token_set",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
