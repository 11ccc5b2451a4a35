from django.urls import path

from search import views
from search.api.resolve import ResolveView
from search.api.views import ArtistView, SearchView, SuggestView, TrackView

urlpatterns = [
    path("", views.page, name="search-page"),
    path("api/search/", SearchView.as_view(), name="search"),
    path("api/search/resolve/", ResolveView.as_view(), name="resolve"),
    path("api/search/suggest/", SuggestView.as_view(), name="suggest"),
    path("api/artists/<str:pk>/", ArtistView.as_view(), name="artist"),
    path("api/tracks/<str:pk>/", TrackView.as_view(), name="track"),
]
