"""What PostgreSQL can say and the ORM can't."""

from typing import Any

from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, F, Func, Value
from django.db.models.functions import Cast


class Matches(Func):
    """Whether a tsvector has what a tsquery, given as text, asks for. Django's `search_vector=`
    would take the lexemes apart again."""

    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, vector: str, query: str, **extra: Any) -> None:
        super().__init__(F(vector), Cast(Value(query), SearchQueryField()), **extra)
