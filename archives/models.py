"""Archives: playlists kept as JSON."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from archives import paths
from archives.content import validate_content
from archives.fields import ContentField, UUID7Field
from archives.newest import carries_no_time
from archives.querysets import ArchiveQuerySet
from vibomat.accounts.validators import validate_text

if TYPE_CHECKING:
    from vibomat.accounts.models import User

# What triggers write whatever a statement says (archives/migrations/sql/present.sql).
WRITTEN_BY_TRIGGERS = (
    "updated",
    "revision",
    "track_count",
    "total_duration_ms",
    "catalogue_tracks",
    "resolution",
)


class Visibility(models.TextChoices):
    """Who may read an archive: its owner; whoever knows its id; everybody, who also find it."""

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Status(models.TextChoices):
    """The statuses Vibomat gives. Others of up to 50 characters may come with imported archives."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SYNCED = "synced"


class Archive(models.Model):
    """A playlist, whose `content` is described in docs/archives.md.

    Its table is partitioned by the time in `id`, a UUID of version 7; ids of the older Vibomat's
    archives are random. Empty text means unknown; `owner` null means nobody, so that nobody but
    staff in the admin may change it. `deleted` is when it was put into the bin.

    The database keeps `created` at the time in the id. Of an archive from the older schema, whose
    id has none, it is the earliest of `last_synced` and `deleted`; where it has neither, the time
    at which it was migrated.

    The database keeps `track_count`, `total_duration_ms` (the sum of the tracks' `duration_ms`;
    where no track has one, what the older Vibomat had noted, or null), `updated` and `revision`,
    which every update raises by one.

    `catalogue_tracks` has for each track the id of the catalogue's track that it was matched to, or
    null; `resolution` for each `{"confidence": 0.98, "grade": "close"}`.
    """

    id = UUID7Field(primary_key=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="archives",
        db_column="user_id",
        db_index=False,
    )
    name = models.TextField(validators=[MaxLengthValidator(1000)])
    description = models.TextField(
        blank=True, default="", db_default="", validators=[MaxLengthValidator(10_000)]
    )
    visibility = models.TextField(
        choices=Visibility.choices, default=Visibility.PRIVATE, db_default=Visibility.PRIVATE
    )
    status = models.TextField(
        blank=True,
        default=Status.DRAFT,
        db_default=Status.DRAFT,
        validators=[MaxLengthValidator(50)],
    )
    provider = models.TextField(
        blank=True, default="", db_default="", validators=[MaxLengthValidator(50)]
    )
    provider_id = models.TextField(
        blank=True, default="", db_default="", validators=[MaxLengthValidator(255)]
    )
    derived_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="derived",
        db_column="source_id",
        db_index=False,
    )
    created = models.DateTimeField(db_default=Now(), editable=False)
    updated = models.DateTimeField(db_default=Now(), editable=False)
    last_synced = models.DateTimeField(null=True, blank=True, db_column="last_synced_at")
    deleted = models.DateTimeField(null=True, blank=True, db_column="deleted_at")
    content = ContentField(blank=True, default=dict, db_default={})
    revision = models.PositiveIntegerField(db_default=1, editable=False)
    track_count = models.PositiveIntegerField("number of tracks", db_default=0, editable=False)
    total_duration_ms = models.PositiveBigIntegerField(
        "total duration in ms", null=True, db_default=None, editable=False
    )

    # Written by `archives.resolving`, and by an update of nothing else only: a trigger keeps others
    # from it, and clears both when the tracks change. Null until the tracks were matched.
    catalogue_tracks = ArrayField(
        models.UUIDField(null=True), null=True, blank=True, editable=False
    )
    resolution = models.JSONField(null=True, blank=True, editable=False)

    # Written by a trigger; archives/migrations/sql/search.sql says what is in it.
    search_vector = SearchVectorField(null=True, editable=False)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        db_table = "playlist"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(visibility__in=["private", "unlisted", "public"]),
                name="archive_visibility_known",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created", "-id"], name="archive_owner_newest"),
            models.Index(
                fields=["-created", "-id"],
                name="archive_public_newest",
                condition=models.Q(visibility="public", deleted=None),
            ),
            models.Index(
                fields=["derived_from"],
                name="archive_derived_from",
                condition=models.Q(derived_from__isnull=False),
            ),
            models.Index(
                fields=["created", "id"],
                name="archive_without_time",
                condition=models.Q(carries_no_time()),
            ),
            GinIndex(fields=["search_vector"], name="archive_search", fastupdate=False),
            *paths.INDEXES,
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and read back what triggers wrote."""
        adding = self._state.adding
        super().save(*args, **kwargs)
        if not adding:
            self.refresh_from_db(fields=WRITTEN_BY_TRIGGERS)

    def clean(self) -> None:
        super().clean()
        errors: dict[str, ValidationError] = {}

        def check(name: str, validate: Callable[[Any], None]) -> None:
            try:
                validate(getattr(self, name))
            except ValidationError as error:
                errors[name] = error

        # Not as the fields' validators: migrations would import them from here.
        for name in ("name", "description", "status", "provider", "provider_id"):
            if isinstance(getattr(self, name), str):
                check(name, validate_text)
        if isinstance(self.name, str) and self.name.isspace():
            errors["name"] = ValidationError("This field cannot be blank.", "blank")
        # A field that may be blank isn't asked about an empty value, such as [].
        if not self.content:
            check("content", validate_content)
        if errors:
            raise ValidationError(errors)

    def soft_delete(self) -> None:
        """Put it into the bin, where only its owner finds it; one that is there keeps its time."""
        if self.deleted is None:
            self.deleted = timezone.now()
            self.save(update_fields=["deleted"])

    def restore(self) -> None:
        """Take it out of the bin."""
        self.deleted = None
        self.save(update_fields=["deleted"])

    def derive_copy(self, user: "User", *, name: str | None = None) -> "Archive":
        """A private draft of that user's own with this content, saved, under another name if one
        is given. Whether the user may read this archive is for the caller to know. The copy has no
        provider: it is in no library but Vibomat's."""
        copy = type(self)(
            owner=user,
            name=self.name if name is None else name,
            description=self.description,
            content=deepcopy(self.content),
            derived_from=self,
        )
        copy.save()
        return copy


class ImportedPlaylist(models.Model):
    """A playlist that an import has stored, so that the next one leaves it alone.

    `key` is a hash of its content, name and id at its provider; PostgreSQL has no uniqueness
    across the partitions of archives. There are no foreign keys in the database, so that neither
    partitions nor users wait for this table; a row whose archive is gone counts for nothing.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    key = models.UUIDField()
    archive = models.ForeignKey(
        Archive, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        db_table = "archive_import"
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="archive_import_owner_key"),
        ]

    def __str__(self) -> str:
        return str(self.key)


class Lexeme(models.Model):
    """A lexeme that some archive's search vector has, or had, so that a misspelling finds it.

    It may stand here more than once. `is_public`: a public archive had it; no other lexeme may
    have an effect on what somebody finds among others' archives.
    """

    id = models.BigAutoField(primary_key=True)
    word = models.TextField(db_collation="C")
    is_public = models.BooleanField()

    class Meta:
        db_table = "archive_lexeme"
        indexes = [
            models.Index(fields=["word", "is_public"], name="archive_lexeme_word"),
            GinIndex(
                models.Func("word", function="search_deletes"),
                name="archive_lexeme_deletes",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.word
