from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from . import health
from .observability.views import metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    # For pages that name no icon: the admin, the API's documentation.
    path("favicon.ico", RedirectView.as_view(url=static("search/icon.svg")), name="favicon"),
    path("health/", health.alive, name="alive"),
    path("health/ready/", health.ready, name="ready"),
    path("metrics/", metrics, name="metrics"),
    path("", include("vibomat.accounts.urls")),
    path("", include("archives.urls")),
    path("", include("embeddings.urls")),
    path("", include("search.urls")),
]

handler404 = "vibomat.api_errors.not_found"
handler500 = "vibomat.outages.server_error"
