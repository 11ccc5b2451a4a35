"""Statements of the benchmark of partitions. `{table}` is a layout's table."""

SCHEMA = "benchmark_partitions"

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('benchmarks.partitions'), 0)"
LOCK = "SELECT pg_advisory_lock(hashtext('benchmarks.partitions'), 0)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('benchmarks.partitions'), 0)"
CREATE_SCHEMA = f"CREATE SCHEMA {SCHEMA}"
DROP_SCHEMA = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"

# A relation's files are synced at commit instead of being logged where the server allows it.
CREATE = """
CREATE TABLE {table} (
    LIKE playlist INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING STORAGE
) {by}
"""
CREATE_PARTITION = "CREATE TABLE {partition} PARTITION OF {table} {bounds}"
DISABLE_AUTOVACUUM = (
    "ALTER TABLE {table} SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)"
)

# What paths are asked by: the artists' names, each once, and the mood.
CREATE_KEYS = f"""
CREATE FUNCTION {SCHEMA}.keys(content jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN ARRAY(
    SELECT DISTINCT 'artist ' || lower(track ->> 'artist')
    FROM jsonb_array_elements(content -> 'tracks') AS track
) || ('mood ' || (content #>> '{{metadata,mood}}'))
"""
KEYS = f"{SCHEMA}.keys(content)"
PUBLIC = "deleted_at IS NULL AND visibility = 'public'"

INDEXES = (
    "ALTER TABLE {table} ADD PRIMARY KEY ({primary_key})",
    "CREATE INDEX ON {table} (user_id, created DESC, id DESC)",
    f"CREATE INDEX ON {{table}} (created DESC, id DESC) WHERE {PUBLIC}",
    f"CREATE INDEX ON {{table}} USING gin ({KEYS})",
)

COPY = "COPY {table} ({columns}) FROM STDIN"
INSERT = "INSERT INTO {table} ({columns}) VALUES ({values})"
FILL_FROM = "INSERT INTO {table} SELECT * FROM {source} WHERE id >= %s AND id < %s"
VACUUM = "VACUUM {table}"
VACUUM_ANALYZE = "VACUUM (ANALYZE) {table}"
UPDATE_SINCE = "UPDATE {table} SET content = content || %s WHERE id >= %s"
COUNT = "SELECT count(*) FROM {table}"

# A partitioned table and its indexes take no space themselves; one that isn't has no tree.
LEAVES = """
SELECT relid::regclass::text FROM pg_partition_tree(%(table)s) WHERE isleaf
UNION
SELECT oid::regclass::text FROM pg_class WHERE oid = %(table)s::regclass AND relkind = 'r'
"""
BYTES = """
SELECT
    pg_table_size(%(table)s) + (
        SELECT coalesce(sum(pg_table_size(relid)), 0)::bigint
        FROM pg_partition_tree(%(table)s) WHERE isleaf
    ),
    coalesce(sum(size) FILTER (WHERE amname = 'btree'), 0)::bigint,
    coalesce(sum(size) FILTER (WHERE amname = 'gin'), 0)::bigint
FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam,
    LATERAL (
        SELECT pg_relation_size(indexrelid) + coalesce(sum(pg_relation_size(relid)), 0) AS size
        FROM pg_partition_tree(indexrelid) WHERE isleaf
    ) AS sizes
WHERE indrelid = %(table)s::regclass
"""
WAL_POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"

COLUMNS = "id, name, created, track_count"
OWNER_NEWEST = f"""
SELECT {COLUMNS} FROM {{table}} WHERE user_id = %s AND deleted_at IS NULL
ORDER BY created DESC, id DESC LIMIT 20
"""
PUBLIC_NEWEST = f"""
SELECT {COLUMNS} FROM {{table}} WHERE {PUBLIC} ORDER BY created DESC, id DESC LIMIT 20
"""
PUBLIC_NEWEST_SINCE = f"""
SELECT {COLUMNS} FROM {{table}} WHERE {PUBLIC} AND id >= %s
ORDER BY created DESC, id DESC LIMIT 20
"""
BY_ID = "SELECT * FROM {table} WHERE id = %s"
BY_ID_AND_OWNER = "SELECT * FROM {table} WHERE id = %s AND user_id = %s"
BY_ARTIST = f"""
SELECT {COLUMNS} FROM {{table}} WHERE {PUBLIC} AND {KEYS} @> ARRAY['artist ' || lower(%s)]
ORDER BY created DESC, id DESC LIMIT 50
"""
BY_MOOD = f"""
SELECT {COLUMNS} FROM {{table}} WHERE {PUBLIC} AND {KEYS} @> ARRAY['mood ' || %s]
ORDER BY created DESC, id DESC LIMIT 50
"""
# A branch for each partition by time, the newest first: LIMIT stops at the one that fills the page.
OWNER_NEWEST_IN = f"""(
SELECT {COLUMNS} FROM {{table}}
WHERE user_id = %s AND deleted_at IS NULL AND id >= '{{lower}}' AND id < '{{upper}}'
ORDER BY created DESC, id DESC LIMIT 20
)"""
OF_BRANCHES = "SELECT * FROM ({branches}) AS newest LIMIT 20"
PREPARE = "PREPARE {name} (uuid) AS {statement}"
EXECUTE = "EXECUTE {name} (%s)"
DEALLOCATE = "DEALLOCATE ALL"
EXPLAIN = "EXPLAIN (FORMAT JSON, SUMMARY) "
