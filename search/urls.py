from django.urls import path
from django.views.generic import RedirectView

from search.api.views import ArtistView, SearchView, SuggestView, TrackView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs"), name="home"),
    path("api/search/", SearchView.as_view(), name="search"),
    path("api/search/suggest/", SuggestView.as_view(), name="suggest"),
    path("api/artists/<str:pk>/", ArtistView.as_view(), name="artist"),
    path("api/tracks/<str:pk>/", TrackView.as_view(), name="track"),
]
