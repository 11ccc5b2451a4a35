"""A map of the newest interactions: what is alike lies near, as far as a plane can show it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django import forms
from django.core.exceptions import PermissionDenied
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from archives.owners import UnknownOwner, find_owner
from embeddings.models import EmbeddingModel, Interaction, Kind
from embeddings.projection import links, project
from embeddings.querysets import InteractionQuerySet

SIZES = (500, 1000, 2000, 4000)
USUAL = 2000
WIDTH, HEIGHT, MARGIN = 1200, 760, 24
# Run when the map is there.
SCRIPT: Any = Script("embeddings/map.js", defer=True)


class MapForm(forms.Form):
    user = forms.CharField(
        required=False,
        max_length=300,
        widget=forms.TextInput({"placeholder": "e-mail, handle or id", "type": "search"}),
    )
    kind = forms.ChoiceField(required=False, choices=[("", "all"), *Kind.choices])
    newest = forms.ChoiceField(
        required=False, choices=[(str(size), f"{size:,}") for size in SIZES], initial=str(USUAL)
    )

    def clean_user(self) -> Any:
        try:
            return find_owner(self.cleaned_data["user"]) if self.cleaned_data["user"] else None
        except UnknownOwner as error:
            raise forms.ValidationError(str(error)) from error

    def clean_newest(self) -> int:
        return int(self.cleaned_data["newest"] or USUAL)


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    kind: str
    name: str
    pk: UUID


@dataclass(frozen=True)
class Line:
    """Between two points, by their numbers."""

    first: int
    second: int
    path: str


def map_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    form = MapForm({"newest": str(USUAL)} | request.GET.dict())
    model = EmbeddingModel.objects.active()
    context = model_admin.admin_site.each_context(request) | {
        "title": "Map of interactions",
        "opts": model_admin.opts,
        "media": model_admin.media + forms.Media(js=[SCRIPT]),
        "form": form,
        "model": model,
        "width": WIDTH,
        "height": HEIGHT,
    }
    if model is not None and form.is_valid():
        context |= drawn(model, chosen(form.cleaned_data))
    return TemplateResponse(request, "admin/embeddings/interaction/map.html", context)


def chosen(asked: dict[str, Any]) -> InteractionQuerySet:
    found: InteractionQuerySet = Interaction.objects.order_by("-created", "-id")
    if asked["user"] is not None:
        found = found.filter(user=asked["user"])
    if asked["kind"]:
        found = found.filter(kind=asked["kind"])
    newest: InteractionQuerySet = found.only("text", "kind")[: asked["newest"]]
    return newest


def drawn(model: EmbeddingModel, interactions: InteractionQuerySet) -> dict[str, Any]:
    """The points of those that have a vector, and lines between the nearest."""
    rows = {row.pk: row for row in interactions}
    stored = model.embeddings.filter(interaction__in=list(rows))
    vectors = {
        pk: np.array(values, dtype=np.float32)
        for pk, values in stored.values_list("interaction_id", model.column)
    }
    # An older vector may be zero.
    shown = [row for pk, row in rows.items() if pk in vectors and vectors[pk].any()]
    array = np.stack([vectors[row.pk] for row in shown]) if shown else np.zeros((0, 1), np.float32)
    array = array / np.linalg.norm(array, axis=1, keepdims=True)
    projection = project(array)
    half = np.array([WIDTH / 2, HEIGHT / 2])
    places = (half + projection.points * (half - MARGIN)).round(1).tolist()
    points = [
        Point(x, y, row.kind, str(row), row.pk) for (x, y), row in zip(places, shown, strict=True)
    ]
    lines = [
        Line(
            link.first,
            link.second,
            "M{:g} {:g}L{:g} {:g}".format(*places[link.first], *places[link.second]),
        )
        for link in links(array)
    ]
    return {
        "points": points,
        "lines": lines,
        "waiting": len(rows) - len(shown),
        "kinds": [kind for kind in Kind if any(point.kind == kind for point in points)],
        "kept": 100 * projection.kept,
    }
