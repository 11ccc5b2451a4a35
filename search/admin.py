"""The admin's pages for the catalogue, which stay fast with millions of rows.

Lists are in the order of an index and never counted whole; their search box is the project's own
search.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import connection
from django.db.models import Case, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from search import vocabulary
from search.forms import ArtistForm, TrackForm
from search.models import Artist, CatalogueImport, Lexeme, Track, TrackArtist
from search.query import MAX_LENGTH, parse
from vibomat.indexed_admin import IndexedAdmin, ReadOnlyAdmin, UUIDAutocompleteSelect

SOURCE: Any = (
    "Source",
    {"classes": ("collapse",), "fields": ("id", "external_id", "external_ids", "is_sample")},
)


def shortened(texts: list[str], most: int = 3) -> str:
    return ", ".join(texts[:most]) + (", …" if len(texts) > most else "")


class PopularityFilter(admin.SimpleListFilter):
    title = "popularity"
    parameter_name = "popularity"
    bounds = {
        "80": ("80 and more", Q(popularity__gte=80)),
        "50": ("50 to 80", Q(popularity__gte=50, popularity__lt=80)),
        "20": ("20 to 50", Q(popularity__gte=20, popularity__lt=50)),
        "0": ("less than 20", Q(popularity__lt=20)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in self.bounds.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.bounds:
            raise IncorrectLookupParameters
        return queryset.filter(self.bounds[value][1])


class ArtistFilter(admin.SimpleListFilter):
    """Shown only when the list is of one artist's tracks, as an artist's page links to it."""

    title = "artist"
    parameter_name = "artist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        if value is None:
            return []
        try:
            artist = Artist.objects.only("name").get(pk=UUID(value))
        except (ValueError, Artist.DoesNotExist) as error:
            raise IncorrectLookupParameters from error
        return [(value, artist.name)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(pk__in=TrackArtist.objects.filter(artist_id=value).values("track"))


class EntryAdmin(IndexedAdmin):
    """What artists and tracks share."""

    ordering = ("-popularity", "id")
    empty_value_display = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.search(search_term[:MAX_LENGTH]), False  # type: ignore[attr-defined]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new row has nothing to show that can't be typed."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        shown = set(self.readonly_fields)
        return [
            (title, options | {"fields": [f for f in options["fields"] if f not in shown]})
            for title, options in fieldsets
        ]

    @admin.display(description="genres")
    def genre_list(self, entry: Artist | Track) -> str:
        return shortened(entry.genres)

    @admin.display(description="sample")
    def sample(self, entry: Artist | Track) -> str:
        return "sample" if entry.is_sample else ""


@admin.register(Artist)
class ArtistAdmin(EntryAdmin):
    form = ArtistForm
    fieldsets = (
        (None, {"fields": ("name", "sort_name", "aliases", "genres", "popularity", "its_tracks")}),
        SOURCE,
    )
    readonly_fields = ("id", "its_tracks")
    list_display = ("name", "alias_list", "genre_list", "popularity", "sample")
    list_filter = (PopularityFilter,)
    search_fields = ("name",)
    search_help_text = "Spelt as badly as need be."

    @admin.display(description="aliases")
    def alias_list(self, artist: Artist) -> str:
        return shortened(artist.aliases)

    @admin.display(description="tracks")
    def its_tracks(self, artist: Artist) -> str:
        address = reverse(
            "admin:search_track_changelist", query={ArtistFilter.parameter_name: artist.pk}
        )
        return format_html('<a href="{}">All tracks by {}</a>', address, artist.name)


class TrackArtistInline(admin.TabularInline):  # type: ignore[type-arg]
    model = TrackArtist
    autocomplete_fields = ("artist",)
    extra = 0
    verbose_name = "artist"
    verbose_name_plural = "Artists, in the order of the credit"

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = UUIDAutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """One more artist is the last of the credit."""
        formset = super().get_formset(request, obj, **kwargs)
        if obj is not None and "position" in formset.form.base_fields:
            formset.form.base_fields["position"].initial = obj.artists.count()
        return formset

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrackArtist]:
        return super().get_queryset(request).select_related("artist")


@admin.register(Track)
class TrackAdmin(EntryAdmin):
    form = TrackForm
    fieldsets = (
        (None, {"fields": ("title", "artist_credit", "album")}),
        (None, {"fields": (("year", "duration_ms", "isrc"), "genres", "popularity")}),
        SOURCE,
    )
    readonly_fields = ("id",)
    inlines = (TrackArtistInline,)
    list_display = (
        "title",
        "artist_credit",
        "album",
        "year",
        "duration",
        "popularity",
        "sample",
    )
    list_filter = (PopularityFilter, ArtistFilter)
    search_fields = ("title",)
    search_help_text = (
        "Title and artist in any order, spelt as badly as need be. Also: artist:, title:, album:,"
        ' genre:, year:1990-1999, -word, "a phrase".'
    )

    @admin.display(description="duration")
    def duration(self, track: Track) -> str | None:
        if track.duration_ms is None:
            return None
        minutes, seconds = divmod(round(track.duration_ms / 1000), 60)
        return f"{minutes}:{seconds:02}"


class LexemeKindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"
    # As ranges, which the primary key's index knows.
    kinds = {
        "word": (
            "words",
            Q(word__lt="=") | Q(word__gte=">", word__lt="@") | Q(word__gte="A"),
        ),
        "artist": ("@ artists' keys", Q(word__gte="@", word__lt="A")),
        "title": ("= titles' keys", Q(word__gte="=", word__lt=">")),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in self.kinds.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.kinds:
            raise IncorrectLookupParameters
        return queryset.filter(self.kinds[value][1])


@admin.register(Lexeme)
class LexemeAdmin(ReadOnlyAdmin, IndexedAdmin):
    """The vocabulary. Its search shows what the search takes a typed word for, and what the word
    begins."""

    ordering = ("word",)
    list_display = ("word", "ndoc", "found_with")
    list_filter = (LexemeKindFilter,)
    search_fields = ("word",)
    search_help_text = "A word, spelt as badly as need be, or its beginning; or a whole name."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        with connection.cursor() as cursor:
            reading = vocabulary.read(cursor, parse(search_term[:MAX_LENGTH]))
        if not reading.words:
            return queryset.none(), False
        typed = [*reading.words, "@" + reading.name, "=" + reading.name]
        groups = [*reading.near, *reading.joined, reading.artist_keys, reading.title_keys]
        condition = Q(word__in=[near.word for group in groups for near in group])
        for word in typed:
            condition |= Q(word__startswith=word)
        exact_first = Case(When(word__in=typed, then=Value(0)), default=Value(1))
        return queryset.filter(condition).order_by(exact_first, "-ndoc", "word"), False

    @admin.display(description="found with")
    def found_with(self, lexeme: Lexeme) -> str:
        fields = {"@": "artist:", "=": "title:"}
        field = fields.get(lexeme.word[:1], "")
        text = f"{field}{lexeme.word[1:] if field else lexeme.word}"
        address = reverse("admin:search_track_changelist", query={SEARCH_VAR: text})
        return format_html('<a href="{}">{}</a>', address, text)


@admin.register(CatalogueImport)
class CatalogueImportAdmin(ReadOnlyAdmin):
    show_full_result_count = False
    list_display = ("name", "progress", "started", "finished")
    fields = ("name", "progress", "line", "started", "finished", "file")
    readonly_fields = ("progress",)
    ordering = ("-started", "id")

    @admin.display(description="progress")
    def progress(self, done: CatalogueImport) -> str:
        if done.finished:
            seconds = round((done.finished - done.started).total_seconds())
            return f"{done.line:,} lines in {seconds // 60}:{seconds % 60:02} minutes"
        return f"{done.line:,} lines so far; import the file again to go on"
