"""What people typed: listed, searched by meaning, each beside its nearest, and all as a map."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html

from embeddings import embedders
from embeddings.admin.map import map_page
from embeddings.admin.pages import LookingAdmin
from embeddings.admin.pictures import picture
from embeddings.models import Embedding, EmbeddingModel, Interaction, Kind
from embeddings.querysets import InteractionQuerySet
from embeddings.standing import embedded
from embeddings.text_search import with_words
from vibomat.accounts.models import User
from vibomat.indexed_admin import (
    MAX_SEARCH_LENGTH,
    ChoiceFilter,
    CreatedFilter,
    IndexedChangeList,
    LinkedFilter,
)

FOUND = 100
NEAREST = 10


class KindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    conditions = {kind.value: (kind.label, {"kind": kind.value}) for kind in Kind}


class UserFilter(LinkedFilter):
    title = "user"
    parameter_name = "user"
    model = User


class WaitingFilter(admin.SimpleListFilter):
    title = "vector"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "waiting for it")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value != "1":
            raise IncorrectLookupParameters
        model = EmbeddingModel.objects.active()
        return cast(InteractionQuerySet, queryset).waiting_for(model) if model else queryset


class InteractionChangeList(IndexedChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        having = embedded(self.result_list)
        for row in self.result_list:
            row.has_vector = row.pk in having


@admin.register(Interaction)
class InteractionAdmin(LookingAdmin):
    ordering = ("-created", "-id")
    list_display = ("shortened", "kind", "whose", "language", "created_at", "has_vector")
    list_select_related = ("user",)
    list_filter = (KindFilter, CreatedFilter, WaitingFilter, UserFilter)
    search_fields = ("text",)
    search_help_text = "By meaning: a sentence in your words, in any language the model knows."
    fieldsets = (
        (None, {"fields": ("text", ("kind", "whose", "language"), "metadata", ("created", "id"))}),
        ("The nearest", {"fields": ("nearest",)}),
        ("Vectors", {"fields": ("vectors",)}),
    )
    readonly_fields = ("whose", "archive_link", "created", "id", "nearest", "vectors")
    change_list_template = "admin/embeddings/interaction/change_list.html"

    def get_urls(self) -> list[Any]:
        map_url = path(
            "map/",
            self.admin_site.admin_view(lambda request: map_page(self, request)),
            name="embeddings_interaction_map",
        )
        return [map_url, *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may, unlike elsewhere here: people ask for what they typed to be deleted."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The archive it led to is for whoever may view archives."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if obj is not None and obj.archive_id and request.user.has_perm("archives.view_archive"):
            fieldsets.insert(1, ("Led to", {"fields": ("archive_link",)}))
        return fieldsets

    def get_list_display(self, request: HttpRequest) -> Any:
        if request.GET.get(SEARCH_VAR, "").strip():
            return ("shortened", "similarity", *self.list_display[1:])
        return self.list_display

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InteractionChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The nearest first; those with the words where the model does not answer."""
        text = search_term[:MAX_SEARCH_LENGTH]
        if not text.strip():
            return queryset, False
        rows = cast(InteractionQuerySet, queryset)
        try:
            if EmbeddingModel.objects.active() is None:
                raise embedders.EmbedderError("No embedding model is in use yet.")
            return rows.similar(text, FOUND).found(), False
        except embedders.EmbedderError as error:
            message = f"{error} So these are not like it, but have its words."
            self.message_user(request, message, messages.WARNING)
            return with_words(rows, text, FOUND), False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's would load every vector to say that it goes too."""
        rows = list(objs)
        vectors = Embedding.objects.filter(interaction__in=[row.pk for row in rows]).count()
        counts = {"interactions": len(rows), "vectors": vectors}
        return [str(row) for row in rows], counts, set(), []

    @admin.display(description="text")
    def shortened(self, interaction: Interaction) -> str:
        return str(interaction)

    @admin.display(description="similarity")
    def similarity(self, interaction: Any) -> str:
        """None of a search that did not run, its text being too long."""
        similarity: float | None = getattr(interaction, "similarity", None)
        return "" if similarity is None else f"{similarity:.3f}"

    @admin.display(description="vector", boolean=True)
    def has_vector(self, interaction: Any) -> bool:
        return bool(interaction.has_vector)

    @admin.display(description="created")
    def created_at(self, interaction: Interaction) -> str:
        return f"{interaction.created:%Y-%m-%d %H:%M}"

    @admin.display(description="user")
    def whose(self, interaction: Interaction) -> str:
        if interaction.user is None:
            return ""
        query = {UserFilter.parameter_name: interaction.user_id}
        address = reverse("admin:embeddings_interaction_changelist", query=query)
        return format_html('<a href="{}">{}</a>', address, interaction.user)

    @admin.display(description="archive")
    def archive_link(self, interaction: Interaction) -> str:
        address = reverse("admin:archives_archive_change", args=[interaction.archive_id])
        return format_html('<a href="{}">{}</a>', address, interaction.archive)

    @admin.display(description="nearest")
    def nearest(self, interaction: Interaction) -> str:
        context: dict[str, Any] = {"model": EmbeddingModel.objects.active()}
        if context["model"] is not None:
            others = Interaction.objects.select_related("user")
            try:
                context["rows"] = list(others.similar_to(interaction, NEAREST))
            except embedders.EmbedderError as error:
                context["problem"] = error
        return render_to_string("admin/embeddings/nearest.html", context)

    @admin.display(description="vectors")
    def vectors(self, interaction: Interaction) -> str:
        stored = interaction.embeddings.select_related("model").order_by("-model")
        pictures = [picture(embedding) for embedding in stored]
        return render_to_string("admin/embeddings/vectors.html", {"pictures": pictures})
