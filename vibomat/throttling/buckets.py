import random
from collections.abc import Mapping

from vibomat.postgresql.prepared import prepared_cursor

from .rates import Rate
from .sql import FORGET_FULL, TAKE

# One request in so many forgets full buckets.
FORGETTING = 1000


def take(buckets: Mapping[str, Rate]) -> float:
    """Take a request out of each bucket, and return in how many seconds all will have had one: 0
    if they have. A bucket that has none left stays as it is."""
    with prepared_cursor() as cursor:
        cursor.execute(
            TAKE,
            [
                list(buckets),
                [rate.period for rate in buckets.values()],
                [rate.share for rate in buckets.values()],
            ],
        )
        waits = [
            seconds - (buckets[key].period - buckets[key].share).total_seconds()
            for key, is_empty, seconds in cursor.fetchall()
            if is_empty
        ]
        if random.random() * FORGETTING < 1:  # noqa: S311 # no secret
            cursor.execute(FORGET_FULL)
    # A thousandth of a second, should it have passed meanwhile: a refusal is no 0.
    return max([*waits, 0.001]) if waits else 0
