from django.urls import include, path
from rest_framework.routers import SimpleRouter

from archives.api.views import ArchiveViewSet

router = SimpleRouter()
router.register("api/archives", ArchiveViewSet, basename="archive")

urlpatterns = [path("", include(router.urls))]
