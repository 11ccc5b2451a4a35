"""Statements that tell of the database as a whole."""

# Rows of these tables by PostgreSQL's statistics, or where a crash lost those as last counted by
# VACUUM or ANALYZE; partitions together.
ROWS = """
SELECT t.relname, sum(
    coalesce(nullif(pg_stat_get_live_tuples(part.oid), 0), greatest(part.reltuples, 0)))::bigint
FROM pg_class AS t
CROSS JOIN LATERAL (
    SELECT t.oid WHERE t.relkind = 'r'
    UNION ALL
    SELECT relid FROM pg_partition_tree(t.oid) WHERE isleaf
) AS leaf (oid)
JOIN pg_class AS part ON part.oid = leaf.oid
WHERE t.relname = ANY(%s) AND t.relkind IN ('r', 'p') AND pg_table_is_visible(t.oid)
GROUP BY t.relname
ORDER BY t.relname
"""

# Sessions in this database by what they do; null is what another role does.
CONNECTIONS = """
SELECT coalesce(state, 'unknown'), count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1
"""

# How long the oldest transaction is open, in seconds: it keeps VACUUM from its work.
OLDEST_TRANSACTION = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""

SIZE = "SELECT pg_database_size(current_database())"
