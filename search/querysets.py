"""What can be asked of the catalogue from Python."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from search.models import Artist, Track


class ArtistQuerySet(models.QuerySet["Artist"]):
    pass


class TrackQuerySet(models.QuerySet["Track"]):
    pass
