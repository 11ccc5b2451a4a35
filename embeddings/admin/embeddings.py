"""The stored vectors. Lists do not load them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from embeddings.admin.pages import LookingAdmin
from embeddings.admin.pictures import picture
from embeddings.models import Embedding, EmbeddingModel
from vibomat.indexed_admin import IndexedChangeList


class ModelFilter(admin.SimpleListFilter):
    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        models = EmbeddingModel.objects.order_by("pk")
        return [(str(pk), name) for pk, name in models.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {str(pk) for pk, _ in self.lookup_choices}:
            raise IncorrectLookupParameters
        return queryset.filter(model=value)


class EmbeddingChangeList(IndexedChangeList):
    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        found = super().get_queryset(request, *args, **kwargs)
        return found.defer("vector", "full_vector", "interaction__search_vector")


@admin.register(Embedding)
class EmbeddingAdmin(LookingAdmin):
    ordering = ("-id",)
    list_display = ("text", "model", "dimensions", "stored_in", "created_at")
    list_select_related = ("interaction", "model")
    list_filter = (ModelFilter,)
    fields = ("interaction_link", "model", "dimensions", "stored_in", "norm", "first", "strip")
    readonly_fields = fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EmbeddingChangeList

    @admin.display(description="interaction")
    def text(self, embedding: Embedding) -> str:
        return str(embedding.interaction)

    @admin.display(description="interaction")
    def interaction_link(self, embedding: Embedding) -> str:
        address = reverse("admin:embeddings_interaction_change", args=[embedding.interaction_id])
        return format_html('<a href="{}">{}</a>', address, embedding.interaction)

    @admin.display(description="created")
    def created_at(self, embedding: Embedding) -> str:
        return f"{embedding.created:%Y-%m-%d %H:%M}"

    @admin.display(description="dimensions")
    def dimensions(self, embedding: Embedding) -> int:
        return embedding.model.dimensions

    @admin.display(description="precision")
    def stored_in(self, embedding: Embedding) -> str:
        return embedding.model.get_precision_display()

    @admin.display(description="norm")
    def norm(self, embedding: Embedding) -> str:
        return f"{picture(embedding).norm:.4f}"

    @admin.display(description="first values")
    def first(self, embedding: Embedding) -> str:
        return picture(embedding).first

    @admin.display(description="all values")
    def strip(self, embedding: Embedding) -> str:
        return picture(embedding).strip
