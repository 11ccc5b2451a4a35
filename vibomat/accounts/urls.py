from django.urls import path

from . import views
from .api import TokensView, TokenView

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("api/tokens/", TokensView.as_view(), name="tokens"),
    path("api/tokens/<str:id>/", TokenView.as_view(), name="token"),
]
