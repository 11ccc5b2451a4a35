"""The statements behind `vibomat.throttling.buckets`."""

# Take one request out of each bucket that has one left; whether it had none, and how many seconds
# until the bucket is full. Buckets come in the order of their keys, so that two requests that share
# some lock them in the same order.
TAKE = """
INSERT INTO throttle_bucket AS bucket (key, period, full_at)
SELECT key, period, statement_timestamp() + share
FROM unnest(%s::text[], %s::interval[], %s::interval[]) AS asked (key, period, share)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    period = excluded.period,
    full_at = CASE
        WHEN bucket.full_at + (excluded.full_at - statement_timestamp())
            > statement_timestamp() + excluded.period THEN bucket.full_at
        ELSE greatest(bucket.full_at, statement_timestamp())
            + (excluded.full_at - statement_timestamp())
    END
RETURNING key, coalesce(new.full_at = old.full_at, false),
    extract(epoch FROM new.full_at - statement_timestamp())::float8
"""

# Full buckets are as good as none. One that is being taken from is left to the next time.
FORGET_FULL = """
DELETE FROM throttle_bucket WHERE key IN (
    SELECT key FROM throttle_bucket WHERE full_at < statement_timestamp()
    LIMIT 10000 FOR UPDATE SKIP LOCKED)
"""
