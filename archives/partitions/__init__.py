"""The partitions of the archives' table: what the next months need, and dropping old months.

A partition `playlist_YYYY_MM` holds the ids of version 7 made in that month (UTC), from its first
id with zero random bits to the next month's, exclusive. Two more are always there:
`playlist_random` for the random ids of the older Vibomat, and `playlist_default` for what has no
month yet or any more. Only partitions that bear the comment `A month of archives` and a month's
exact bounds are ever dropped.

    work = plan()
    print(work)      # what it would do, a line a step
    work.apply()     # may be run again, and by two at once

docs/archives.md says which locks it takes.
"""

from .changes import ValidateForeignKey
from .creating import CreateMonth, Plan, plan
from .dropping import Drop, drop
from .existing import FIXED, Month, Partition, PartitionError, is_ready, missing_months, partitions

__all__ = [
    "FIXED",
    "CreateMonth",
    "Drop",
    "Month",
    "Partition",
    "PartitionError",
    "Plan",
    "ValidateForeignKey",
    "drop",
    "is_ready",
    "missing_months",
    "partitions",
    "plan",
]
