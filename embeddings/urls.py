from django.urls import include, path
from rest_framework.routers import SimpleRouter

from embeddings.api.views import PromptViewSet

router = SimpleRouter()
router.register("api/prompts", PromptViewSet, basename="prompt")

urlpatterns = [path("", include(router.urls))]
