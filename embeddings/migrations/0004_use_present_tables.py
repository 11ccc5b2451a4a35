"""From here on the application uses the present tables."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgvector.django.halfvec
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

ADD_FOREIGN_KEYS = """
ALTER TABLE interaction
    ADD CONSTRAINT interaction_user_id_fk FOREIGN KEY (user_id) REFERENCES "user"
        DEFERRABLE INITIALLY DEFERRED NOT VALID,
    ADD CONSTRAINT interaction_archive_id_fk FOREIGN KEY (archive_id) REFERENCES playlist
        DEFERRABLE INITIALLY DEFERRED NOT VALID;
"""

# Django records a migration back only after its transaction: killed in between, it runs twice.
DROP_FOREIGN_KEYS = """
ALTER TABLE interaction
    DROP CONSTRAINT IF EXISTS interaction_user_id_fk,
    DROP CONSTRAINT IF EXISTS interaction_archive_id_fk;
"""

STATE = [
    migrations.DeleteModel("Interaction"),
    migrations.CreateModel(
        name="Interaction",
        fields=[
            (
                "id",
                models.UUIDField(
                    db_default=models.Func(function="uuidv7", output_field=models.UUIDField()),
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            (
                "kind",
                models.TextField(
                    choices=[
                        ("prompt", "Prompt"),
                        ("response", "Response"),
                        ("feedback", "Feedback"),
                        ("search", "Search"),
                    ],
                    db_default="prompt",
                    default="prompt",
                ),
            ),
            (
                "text",
                models.TextField(validators=[django.core.validators.MaxLengthValidator(20000)]),
            ),
            (
                "language",
                models.TextField(
                    blank=True,
                    db_default="",
                    default="",
                    validators=[django.core.validators.MaxLengthValidator(35)],
                ),
            ),
            ("metadata", models.JSONField(blank=True, db_default={}, default=dict)),
            (
                "created",
                models.DateTimeField(
                    db_default=django.db.models.functions.datetime.Now(), editable=False
                ),
            ),
            (
                "search_vector",
                models.GeneratedField(
                    db_persist=True,
                    expression=django.contrib.postgres.search.SearchVector(
                        models.Func("text", function="search_normalise"), config="vibomat"
                    ),
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                ),
            ),
            (
                "archive",
                models.ForeignKey(
                    blank=True,
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="interactions",
                    to="archives.archive",
                ),
            ),
            (
                "user",
                models.ForeignKey(
                    blank=True,
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="interactions",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "db_table": "interaction",
            "indexes": [
                models.Index(fields=["user", "-created", "-id"], name="interaction_user_newest"),
                models.Index(fields=["-created", "-id"], name="interaction_newest"),
                models.Index(
                    fields=["archive"],
                    name="interaction_archive",
                    condition=models.Q(("archive__isnull", False)),
                ),
                django.contrib.postgres.indexes.GinIndex(
                    fastupdate=False,
                    fields=["metadata"],
                    name="interaction_metadata",
                    opclasses=["jsonb_path_ops"],
                ),
                django.contrib.postgres.indexes.GinIndex(
                    fastupdate=False, fields=["search_vector"], name="interaction_search"
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(kind__in=["prompt", "response", "feedback", "search"]),
                    name="interaction_kind_known",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="EmbeddingModel",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            (
                "name",
                models.TextField(
                    unique=True, validators=[django.core.validators.MaxLengthValidator(200)]
                ),
            ),
            (
                "dimensions",
                models.PositiveSmallIntegerField(
                    validators=[
                        django.core.validators.MinValueValidator(1),
                        django.core.validators.MaxValueValidator(4000),
                    ]
                ),
            ),
            (
                "distance",
                models.TextField(
                    choices=[("cosine", "Cosine"), ("inner_product", "Inner Product")],
                    db_default="cosine",
                    default="cosine",
                ),
            ),
            (
                "precision",
                models.TextField(
                    choices=[("half", "Half"), ("full", "Full")],
                    db_default="half",
                    default="half",
                ),
            ),
            (
                "state",
                models.TextField(
                    choices=[
                        ("building", "Building"),
                        ("active", "Active"),
                        ("retired", "Retired"),
                    ],
                    db_default="building",
                    default="building",
                ),
            ),
            (
                "created",
                models.DateTimeField(
                    db_default=django.db.models.functions.datetime.Now(), editable=False
                ),
            ),
        ],
        options={
            "db_table": "embedding_model",
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("dimensions__gte", 1), ("dimensions__lte", 4000)),
                    name="embedding_model_dimensions_indexable",
                ),
                models.CheckConstraint(
                    condition=models.Q(("distance__in", ["cosine", "inner_product"])),
                    name="embedding_model_distance_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(("precision__in", ["half", "full"])),
                    name="embedding_model_precision_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["building", "active", "retired"])),
                    name="embedding_model_state_known",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("state", "active")),
                    fields=("state",),
                    name="embedding_model_one_active",
                    violation_error_message="Another model is active.",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Embedding",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("vector", pgvector.django.halfvec.HalfVectorField(null=True)),
            ("full_vector", pgvector.django.vector.VectorField(null=True)),
            (
                "created",
                models.DateTimeField(
                    db_default=django.db.models.functions.datetime.Now(), editable=False
                ),
            ),
            (
                "interaction",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="embeddings",
                    to="embeddings.interaction",
                ),
            ),
            (
                "model",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="embeddings",
                    to="embeddings.embeddingmodel",
                ),
            ),
        ],
        options={
            "db_table": "embedding",
            "constraints": [
                models.UniqueConstraint(
                    fields=("interaction", "model"), name="embedding_interaction_model"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("full_vector__isnull", False), ("vector", None)),
                        models.Q(("full_vector", None), ("vector__isnull", False)),
                        _connector="OR",
                    ),
                    name="embedding_in_one_precision",
                ),
            ],
        },
    ),
]


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0003_fill_present_tables")]

    operations = [
        WithLockTimeout(
            migrations.RunSQL(ADD_FOREIGN_KEYS, DROP_FOREIGN_KEYS, state_operations=STATE)
        ),
    ]
