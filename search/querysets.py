"""What can be asked of the catalogue from Python."""

from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, FloatField, Func, UUIDField, Value

from search import engine

if TYPE_CHECKING:
    from search.engine import Kind
    from search.models import Artist, Track  # noqa: F401 (named in quotes below)

Row = TypeVar("Row", bound=models.Model)


class ScoreOf(Func):
    """The score of the row whose id stands at the same place in a parallel array."""

    template = "((%(expressions)s])"
    arg_joiner = ")["
    output_field = FloatField()

    def __init__(self, ids: list[UUID], scores: list[float]) -> None:
        place = Func(Value(ids, ArrayField(UUIDField())), F("pk"), function="array_position")
        super().__init__(Value(scores, ArrayField(FloatField())), place)


class RankedQuerySet(models.QuerySet[Row], Generic[Row]):
    """Rows of the catalogue that can be searched for as people type."""

    kind: ClassVar["Kind"]

    def search(self, text: str) -> Self:
        """The rows that match a typed text, annotated with their `score` in [0, 1], best first.

        The search itself runs at once (see `search.engine`) and ranks at most
        `search.engine.MAX_RESULTS` rows; filters put on the result narrow those. Blank text has
        none.
        """
        hits = engine.search(text, kind=self.kind, limit=engine.MAX_RESULTS).hits
        if not hits:
            return self.none()
        ids = [hit.id for hit in hits]
        return (
            self.filter(pk__in=ids)
            .annotate(score=ScoreOf(ids, [hit.score for hit in hits]))
            .order_by("-score", "-popularity", "pk")
        )


class ArtistQuerySet(RankedQuerySet["Artist"]):
    kind = "artist"


class TrackQuerySet(RankedQuerySet["Track"]):
    kind = "track"
