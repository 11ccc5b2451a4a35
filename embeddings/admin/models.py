"""The models: how far each is, and how well its index finds."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from embeddings import standing
from embeddings.admin.pages import LookingAdmin
from embeddings.models import EmbeddingModel


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(LookingAdmin):
    fields = ("name", "dimensions", "distance", "precision", "state", "created")
    readonly_fields = ("created",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """All models at once; a POST measures the recall of one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        models = list(EmbeddingModel.objects.order_by("-pk"))
        measured = {}
        if request.method == "POST":
            chosen = [model for model in models if str(model.pk) == request.POST.get("measure")]
            for model in chosen:
                measured[model.pk] = standing.measure(model)
                if measured[model.pk] is None:
                    self.message_user(
                        request,
                        f"There are no vectors of {model} under an index.",
                        messages.WARNING,
                    )
        context = self.admin_site.each_context(request) | {
            "title": "Embedding models",
            "opts": self.opts,
            "media": self.media,
            "rows": [(standing.standing(model), measured.get(model.pk)) for model in models],
            "k": standing.K,
            "seconds": standing.SECONDS,
        }
        return TemplateResponse(request, "admin/embeddings/embeddingmodel/standing.html", context)
