"""The statements of the benchmarks that say more than the ORM can."""

CREATE_LOADED = "CREATE TABLE IF NOT EXISTS benchmark_loaded (chunk int PRIMARY KEY)"
MADE_BY = "SELECT obj_description('benchmark_loaded'::regclass, 'pg_class')"
NOTE_MADE_BY = "COMMENT ON TABLE benchmark_loaded IS '{}'"
EMPTY = """TRUNCATE playlist, benchmark_loaded CASCADE; DELETE FROM "user" """
LOADED = "SELECT chunk FROM benchmark_loaded"
ADD_LOADED = "INSERT INTO benchmark_loaded VALUES (%s)"

# Without the statistics of the words, which take half a minute a partition and which no prepared
# plan reads: only with all columns does ANALYZE make those of expressions.
VACUUM = """
VACUUM (ANALYZE) playlist (id, user_id, visibility, status, provider, provider_id, created,
    deleted_at, track_count, total_duration_ms)
"""

ADD_OWNERS = """
INSERT INTO "user" (id, email, password, is_superuser, is_verified, is_active, is_staff, is_public,
    favorite_artists, unskippable_albums)
SELECT md5(n::text)::uuid, n || '@example.org', '!', false, false, true, false, true, '[]', '[]'
FROM generate_series(0, %s - 1) AS n
ON CONFLICT DO NOTHING
"""

# Bytes of the archives' table and of its indexes, partitions and TOAST included.
TABLE_BYTES = "SELECT sum(pg_table_size(relid))::bigint FROM pg_partition_tree('playlist')"
INDEX_BYTES = """
SELECT c.relname, sum(pg_relation_size(part.relid))::bigint
FROM pg_class AS c, pg_partition_tree(c.oid) AS part
WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'playlist'::regclass)
GROUP BY 1 ORDER BY 2 DESC
"""

# The archives in a sample of the pages, in no order.
SAMPLE = """
SELECT id, user_id, provider, provider_id, status, track_count, total_duration_ms, created, content
FROM playlist TABLESAMPLE SYSTEM (%s) LIMIT 3000
"""

SEQUENTIAL_SCANS = """
SELECT sum(seq_scan) FROM pg_stat_user_tables
WHERE relid IN (SELECT relid FROM pg_partition_tree('playlist')) AND n_live_tup > 0
"""

WITHOUT_INDEXES = """
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL statement_timeout = %s
"""
