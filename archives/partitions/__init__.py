"""The partitions of the archives' table: what the next months need, and dropping old ones.

A partition `playlist_YYYY_qN` holds the ids of version 7 made in that quarter (UTC), from its first
id with zero random bits to the next quarter's, exclusive; `playlist_YYYY` are years,
`playlist_YYYY_MM` months. Two more are always there: `playlist_random` for the random ids of the
older Vibomat, and `playlist_default` for what has no period yet or any more. Only partitions that
bear the comment `A period of archives` and a period's exact bounds are ever dropped.

    work = plan()
    print(work)      # what it would do, a line a step
    work.apply()     # may be run again, and by two at once

docs/archives.md says which locks it takes.
"""

from .changes import ValidateForeignKey
from .creating import CreatePeriod, Plan, plan
from .dropping import Drop, drop
from .existing import FIXED, Partition, PartitionError, Period, is_ready, missing_months, partitions

__all__ = [
    "FIXED",
    "CreatePeriod",
    "Drop",
    "Partition",
    "PartitionError",
    "Period",
    "Plan",
    "ValidateForeignKey",
    "drop",
    "is_ready",
    "missing_months",
    "partitions",
    "plan",
]
