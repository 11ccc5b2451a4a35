"""The admin's pages for archives, which stay fast with millions of them."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db.models import F, Func, IntegerField, QuerySet, UUIDField, Value
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from archives.filters import JSONPath, Path
from archives.forms import ArchiveForm, as_text
from archives.listing import Part
from archives.models import Archive, Visibility
from archives.paths import PATHS
from archives.querysets import ArchiveQuerySet
from archives.text_search import search
from vibomat.accounts.models import User
from vibomat.indexed_admin import (
    MAX_SEARCH_LENGTH,
    ChoiceFilter,
    CreatedFilter,
    IndexedAdmin,
    IndexedChangeList,
    LinkedFilter,
    UUIDAutocompleteSelect,
)

FOUND = 300
SHOWN_TRACKS = 500
# As much JSON as a form may send; what is larger is changed through the API.
EDITABLE_CHARACTERS = 500_000


class FindableFilter(ChoiceFilter):
    title = "who may find it"
    parameter_name = "visibility"
    conditions = {
        "public": ("everybody", {"visibility": Visibility.PUBLIC, "deleted": None}),
    }


class PathFilter(admin.SimpleListFilter):
    """A declared path's parameter, asked by what is typed."""

    template = "admin/archives/path_filter.html"
    help = ""
    example = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        others = changelist.get_query_string(remove=[str(self.parameter_name), PAGE_VAR])
        yield {
            "others": parse_qsl(others.removeprefix("?")),
            "help": self.help,
            "example": self.example,
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        try:
            return cast(ArchiveQuerySet, queryset).by_paths({str(self.parameter_name): value})
        except ValidationError as error:
            raise IncorrectLookupParameters from error


class TracksFilter(ChoiceFilter):
    title = "number of tracks"
    parameter_name = "tracks"
    conditions = {
        "0": ("none", {"track_count": 0}),
        "1": ("1 to 9", {"track_count__range": (1, 9)}),
        "10": ("10 to 99", {"track_count__range": (10, 99)}),
        "100": ("100 to 999", {"track_count__range": (100, 999)}),
        "1000": ("1,000 and more", {"track_count__gte": 1000}),
    }


class DurationFilter(ChoiceFilter):
    title = "total duration"
    parameter_name = "duration"
    conditions = {
        "unknown": ("unknown", {"total_duration_ms": None}),
        "0": ("less than 30 minutes", {"total_duration_ms__range": (0, 1_799_999)}),
        "30": ("30 to 60 minutes", {"total_duration_ms__range": (1_800_000, 3_599_999)}),
        "60": ("1 to 3 hours", {"total_duration_ms__range": (3_600_000, 10_799_999)}),
        "180": ("3 hours and more", {"total_duration_ms__gte": 10_800_000}),
    }


# Of declared paths whose values are chosen; those of all others are typed.
CHOSEN = {"tracks": TracksFilter, "duration": DurationFilter, "created": CreatedFilter}


def typed_filters(path: Path) -> list[type[PathFilter]]:
    """A filter for each parameter of a declared path; none of a jsonpath: no index answers it."""
    if isinstance(path, JSONPath):
        return []
    return [
        type(
            f"{parameter.name.title()}Filter",
            (PathFilter,),
            {
                "title": parameter.name.replace("_", " "),
                "parameter_name": parameter.name,
                "help": parameter.help,
                "example": path.example,
            },
        )
        for parameter in path.parameters
    ]


class OwnerFilter(LinkedFilter):
    title = "owner"
    parameter_name = "owner"
    model = User


class SourceFilter(LinkedFilter):
    title = "copies of"
    parameter_name = "derived_from"
    model = Archive


class ArchiveChangeList(IndexedChangeList):
    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request, *args, **kwargs)
            .defer("content", "search_vector", "catalogue_tracks", "resolution")
        )


@admin.register(Archive)
class ArchiveAdmin(IndexedAdmin):
    form = ArchiveForm
    ordering = ("-created", "-id")
    list_display = (
        "name",
        "owner",
        "shared_with",
        "status",
        "number_of_tracks",
        "duration",
        "created_on",
    )
    list_select_related = ("owner",)
    list_filter = (
        *(kind for path in PATHS if path.name not in CHOSEN for kind in typed_filters(path)),
        FindableFilter,
        *(CHOSEN[path.name] for path in PATHS if path.name in CHOSEN),
        OwnerFilter,
        SourceFilter,
    )
    search_fields = ("name",)
    search_help_text = "Words of the name or description, or artists, spelt as badly as need be."
    autocomplete_fields = ("owner",)
    readonly_fields = (
        "id",
        "tracks",
        "content_as_text",
        "duration",
        "track_count",
        "derived_from_link",
        "copies",
        "created",
        "updated",
    )
    fieldsets = (
        (None, {"fields": ("name", "description", ("owner", "visibility", "status"))}),
        ("Tracks", {"fields": ("tracks",)}),
        ("Content", {"fields": ("content", "read_revision"), "classes": ("collapse",)}),
        ("Provider", {"fields": (("provider", "provider_id"), "last_synced")}),
        (
            "Origin",
            {
                "fields": (
                    ("derived_from_link", "copies"),
                    ("created", "updated"),
                    "deleted",
                    "id",
                )
            },
        ),
    )
    empty_value_display = ""

    class Media:
        css = {"all": ["archives/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ArchiveChangeList]:
        return ArchiveChangeList

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = UUIDAutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The best first. Whoever is here may view every archive."""
        if not search_term.strip():
            return queryset, False
        part = Part(cast(ArchiveQuerySet, queryset), is_own=True)
        rows = search(search_term[:MAX_SEARCH_LENGTH], [part], FOUND)
        ids = [row.archive.pk for row in rows]
        place = Func(
            Value(ids, ArrayField(UUIDField())),
            F("pk"),
            function="array_position",
            output_field=IntegerField(),
        )
        return queryset.filter(pk__in=ids).order_by(place), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Archive | None:
        """For a change, locked until it is saved, so that the form's check of it holds."""
        archive = super().get_object(request, object_id, from_field)
        if archive is not None and request.method == "POST":
            return Archive.objects.select_for_update().filter(pk=archive.pk).first()
        return archive

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new archive has nothing yet that can't be typed."""
        if obj is None:
            return [
                (None, {"fields": ("name", "description", ("owner", "visibility", "status"))}),
                ("Content", {"fields": ("content",)}),
                ("Provider", {"fields": (("provider", "provider_id"), "last_synced")}),
            ]
        content = ["content" if self.may_edit_content(request, obj) else "content_as_text"]
        if self.has_change_permission(request, obj):
            content.append("read_revision")
        return [
            (title, options | {"fields": content} if title == "Content" else options)
            for title, options in super().get_fieldsets(request, obj)
        ]

    def may_edit_content(self, request: HttpRequest, archive: Archive) -> bool:
        return (
            self.has_change_permission(request, archive)
            and len(as_text(archive.content)) <= EDITABLE_CHARACTERS
        )

    @admin.display(description="")
    def tracks(self, archive: Archive) -> str:
        tracks = archive.content.get("tracks")
        rows = tracks if isinstance(tracks, list) else []
        return render_to_string(
            "admin/archives/tracks.html",
            {
                "archive": archive,
                "tracks": [shown(track) for track in rows[:SHOWN_TRACKS]],
                "more": max(0, len(rows) - SHOWN_TRACKS),
            },
        )

    @admin.display(description="JSON")
    def content_as_text(self, archive: Archive) -> str:
        return format_html('<pre class="json">{}</pre>', as_text(archive.content))

    @admin.display(description="duration", ordering=None)
    def duration(self, archive: Archive) -> str:
        return clock(archive.total_duration_ms)

    @admin.display(description="visibility")
    def shared_with(self, archive: Archive) -> str:
        return "in the bin" if archive.deleted else archive.get_visibility_display()

    @admin.display(description="tracks")
    def number_of_tracks(self, archive: Archive) -> int:
        return archive.track_count

    @admin.display(description="created")
    def created_on(self, archive: Archive) -> str:
        return f"{archive.created:%Y-%m-%d}"

    @admin.display(description="derived from")
    def derived_from_link(self, archive: Archive) -> str:
        source = archive.derived_from
        if source is None:
            return ""
        address = reverse("admin:archives_archive_change", args=[source.pk])
        return format_html('<a href="{}">{}</a>', address, source)

    @admin.display(description="copies")
    def copies(self, archive: Archive) -> str:
        if not archive.derived.exists():
            return ""
        address = reverse(
            "admin:archives_archive_changelist", query={SourceFilter.parameter_name: archive.pk}
        )
        return format_html('<a href="{}">Copies of this archive</a>', address)


def shown(track: Any) -> dict[str, Any]:
    """A track as its row of the table says it, whatever older content has in its place."""
    if not isinstance(track, dict):
        return {}
    playable = track.get("playable")
    return {name: track.get(name) for name in ("artist", "track", "album", "version", "uri")} | {
        "duration": clock(track.get("duration_ms")),
        "playable": playable if isinstance(playable, dict) else {},
    }


def clock(milliseconds: Any) -> str:
    """Milliseconds as `4:58` or `1:04:58`; empty for what is no number of them."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int) or milliseconds < 0:
        return ""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
