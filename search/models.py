"""The catalogue: artists, tracks, and the vocabulary of every word their names use."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Left
from django.utils import timezone

from search.querysets import ArtistQuerySet, TrackQuerySet


class CatalogueEntry(models.Model):
    """What artists and tracks share.

    `popularity` is at least 0, on the scale of whatever source was imported (0 to 100 in most);
    it breaks ties. `external_id` is the row's id in its source; `external_ids` holds ids elsewhere
    by service, such as `{"musicbrainz": "...", "spotify": "..."}`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    genres = ArrayField(models.TextField(), default=list, blank=True, db_default=[])
    popularity = models.FloatField(default=0, db_default=0, validators=[MinValueValidator(0)])
    external_id = models.TextField(null=True, blank=True)
    external_ids = models.JSONField(default=dict, blank=True, db_default={})
    is_sample = models.BooleanField(
        default=False, db_default=False, help_text="Came with the sample catalogue."
    )
    # Written by triggers only; see docs/search.md.
    search_vector = SearchVectorField(null=True, editable=False)

    class Meta:
        abstract = True


class Artist(CatalogueEntry):
    """A person or group that makes music. `aliases` are other names, in any script."""

    name = models.TextField()
    sort_name = models.TextField(blank=True, default="", db_default="")
    aliases = ArrayField(models.TextField(), default=list, blank=True, db_default=[])
    name_key = models.TextField(null=True, editable=False)
    alias_keys = ArrayField(models.TextField(), null=True, editable=False)

    objects = ArtistQuerySet.as_manager()

    class Meta:
        db_table = "artist"
        indexes = [
            GinIndex(fields=["search_vector"], name="artist_search_vector", fastupdate=False),
            GinIndex(fields=["name"], name="artist_name_trgm", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["name_key"], name="artist_name_key"),
            models.Index(fields=["external_id"], name="artist_external_id"),
            models.Index(fields=["-popularity", "id"], name="artist_popularity"),
            models.Index(
                Left("name_key", 2), models.F("popularity").desc(), name="artist_beginning"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Track(CatalogueEntry):
    """A recording as a release prints it.

    `artist_credit` is the credit as printed ("Jay-Z feat. Alicia Keys"); `artists` are the
    artists it names, in that order. Empty text and null mean unknown.
    """

    title = models.TextField()
    artist_credit = models.TextField(blank=True, default="", db_default="")
    artists: "models.ManyToManyField[Artist, TrackArtist]" = models.ManyToManyField(
        Artist, through="TrackArtist", related_name="tracks", blank=True
    )
    album = models.TextField(blank=True, default="", db_default="")
    year = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1000), MaxValueValidator(2999)]
    )
    duration_ms = models.PositiveIntegerField("duration in ms", null=True, blank=True)
    isrc = models.CharField("ISRC", max_length=12, blank=True, default="", db_default="")
    title_key = models.TextField(null=True, editable=False)
    full_title_key = models.TextField(null=True, editable=False)
    credit_key = models.TextField(null=True, editable=False)
    main_credit_key = models.TextField(null=True, editable=False)

    objects = TrackQuerySet.as_manager()

    class Meta:
        db_table = "track"
        indexes = [
            GinIndex(fields=["search_vector"], name="track_search_vector", fastupdate=False),
            GinIndex(fields=["title"], name="track_title_trgm", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["credit_key", "title_key"], name="track_credit_title_key"),
            models.Index(fields=["external_id"], name="track_external_id"),
            models.Index(fields=["-popularity", "id"], name="track_popularity"),
            models.Index(
                Left("title_key", 2), models.F("popularity").desc(), name="track_beginning"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.artist_credit} – {self.title}" if self.artist_credit else self.title


class TrackArtist(models.Model):
    """One artist of a track's credit; `position` counts from 0."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["track", "artist"], name="track_artist_once"),
        ]

    def __str__(self) -> str:
        return f"artist {self.position + 1}"


class Lexeme(models.Model):
    """A lexeme of the catalogue's search vectors, with the number of rows that have it.

    Beside words there are keys of whole names: `@` before an artist's, `=` before a title's.
    Triggers keep the table in step; `GinIndex` on the symmetric deletes finds a lexeme by a
    misspelling of it.
    """

    word = models.TextField(primary_key=True, db_collation="C")
    ndoc = models.IntegerField("documents")

    class Meta:
        # Updates of ndoc stay on their page (HOT) as long as it has room, and then touch no index.
        db_table = "search_lexeme"
        indexes = [
            GinIndex(
                models.Func("word", function="search_deletes"),
                name="search_lexeme_deletes",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.word


class LexemeChange(models.Model):
    """A change of a lexeme's count that waits until its row is free."""

    word = models.TextField(db_collation="C")
    change = models.IntegerField()

    class Meta:
        db_table = "search_lexemechange"
        indexes = [models.Index(fields=["word"], name="search_lexemechange_word")]


class CatalogueImport(models.Model):
    """How far an import of a file has come, so that it goes on there when run again."""

    file = models.CharField(max_length=64, unique=True, help_text="Hash of content and options.")
    name = models.TextField()
    line = models.BigIntegerField("last line stored", default=0)
    started = models.DateTimeField(default=timezone.now)
    finished = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


def has_catalogue() -> bool:
    """Whether anything was imported yet."""
    return Track.objects.exists() or Artist.objects.exists()
