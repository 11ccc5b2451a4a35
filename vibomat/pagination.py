"""Pages of tables too large to count."""

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import models

# Up to here rows are counted; an index gives so many in a few milliseconds.
COUNTED = 10_000
# What lies deeper is found by searching: OFFSET reads every row before the page.
MAX_DEPTH = 20_000


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Counts a queryset's rows up to `COUNTED`; more are as many as PostgreSQL's planner expects,
    which follows `pg_class.reltuples`. Its pages end after `MAX_DEPTH` rows."""

    object_list: "models.QuerySet[Any]"

    @cached_property
    def count(self) -> int:
        counted = self.object_list.order_by()[: COUNTED + 1].count()
        if counted <= COUNTED:
            return counted
        (plan,) = json.loads(self.object_list.order_by().explain(format="json"))
        return max(counted, int(plan["Plan"]["Plan Rows"]))

    @cached_property
    def num_pages(self) -> int:
        return min(super().num_pages, MAX_DEPTH // self.per_page)
