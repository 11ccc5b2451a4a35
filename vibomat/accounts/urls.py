from django.urls import path

from .api import TokensView, TokenView

urlpatterns = [
    path("api/tokens/", TokensView.as_view(), name="tokens"),
    path("api/tokens/<str:id>/", TokenView.as_view(), name="token"),
]
