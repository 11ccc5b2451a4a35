"""Tokens with which programs log in."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_unique_email_whatever_its_case")]

    operations = [
        WithLockTimeout(
            migrations.CreateModel(
                name="AccessToken",
                fields=[
                    (
                        "id",
                        models.UUIDField(
                            default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    ("name", models.CharField(blank=True, default="", max_length=100)),
                    ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                    (
                        "created",
                        models.DateTimeField(default=django.utils.timezone.now, editable=False),
                    ),
                    ("expires", models.DateTimeField(blank=True, null=True)),
                    ("last_used", models.DateTimeField(editable=False, null=True)),
                    (
                        "user",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="access_tokens",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={"db_table": "access_token"},
            ),
        ),
    ]
