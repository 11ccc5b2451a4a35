"""The statements behind `archives.partitions`, which say more than the ORM can."""

# What is a partition of playlist: name, bounds, comment, rows as last counted by ANALYZE, bytes.
PARTITIONS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class'),
    greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'playlist'::regclass
ORDER BY c.relname
"""

# Names of the attached partitions that bear one of these comments. It waits for no lock.
NAMES_OF_PARTITIONS = """
SELECT c.relname
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('playlist') AND obj_description(c.oid, 'pg_class') = ANY(%s)
"""

# Whether playlist is partitioned, and no migration is under way between the two schemas.
IS_READY = """
SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('playlist') AND relkind = 'p')
    AND to_regclass('playlist_older') IS NULL
"""

# Foreign keys to playlist and of it: name, table, column, whether it refers to playlist, whether
# it is validated, definition.
FOREIGN_KEYS = """
SELECT k.conname, k.conrelid::regclass::text, a.attname, k.confrelid = 'playlist'::regclass,
    k.convalidated, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.conparentid = 0 AND 'playlist'::regclass IN (k.conrelid, k.confrelid)
ORDER BY k.conrelid::regclass::text, k.conname
"""

# Whoever changes partitions has this lock until the end of the transaction.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('vibomat.archives.partitions'))"

# Writers lock the table before its partitions: whoever needs both locks them in that order. ATTACH
# lets nobody write to the table and to those that foreign keys connect with it.
LOCK_ALL = "LOCK TABLE playlist IN ACCESS EXCLUSIVE MODE"
LOCK_WRITERS = "LOCK TABLE ONLY playlist IN SHARE ROW EXCLUSIVE MODE"
LOCK_DEFAULT = "LOCK TABLE playlist_default IN ACCESS EXCLUSIVE MODE"

COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = 'playlist'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""

COUNT_IN_DEFAULT = "SELECT count(*) FROM playlist_default WHERE id >= %s AND id < %s"

# Beside the periods the default partition holds no other, so that attaching one reads only that.
CREATE = """
CREATE TABLE {name} (
    LIKE playlist INCLUDING ALL,
    CONSTRAINT {name}_period CHECK (id >= '{lower}' AND id < '{upper}')
);
COMMENT ON TABLE {name} IS '{comment}'
"""
ATTACH = """
ALTER TABLE playlist ATTACH PARTITION {name} FOR VALUES FROM ('{lower}') TO ('{upper}');
ALTER TABLE {name} DROP CONSTRAINT {name}_period
"""

# Triggers that follow archives need not see one change its partition.
MOVE_FROM_DEFAULT = """
ALTER TABLE playlist_default DISABLE TRIGGER USER;
WITH moved AS (
    DELETE FROM playlist_default WHERE id >= '{lower}' AND id < '{upper}' RETURNING {columns}
)
INSERT INTO {name} ({columns}) SELECT {columns} FROM moved;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE playlist_default ENABLE TRIGGER USER
"""

IS_REFERRED_TO = """
SELECT EXISTS (
    SELECT FROM {referrer} AS r JOIN {partition} AS p ON r.{column} = p.id WHERE {condition}
)
"""
IN_PERIOD = "p.id >= '{lower}' AND p.id < '{upper}'"
DROP_FOREIGN_KEY = "ALTER TABLE {referrer} DROP CONSTRAINT {key}"
ADD_FOREIGN_KEY = "ALTER TABLE {referrer} ADD CONSTRAINT {key} {definition} NOT VALID"
VALIDATE_FOREIGN_KEY = "ALTER TABLE {referrer} VALIDATE CONSTRAINT {key}"

# A partition's rows, and those among them whose id is of another version than 7.
COUNT = "SELECT count(*), count(*) FILTER (WHERE {older}) FROM {name} AS p"
OLDER = "uuid_extract_version(p.id) IS DISTINCT FROM 7"

DETACH = "ALTER TABLE playlist DETACH PARTITION {name}"
KEEP = """
ALTER TABLE playlist_default DISABLE TRIGGER USER;
INSERT INTO playlist_default ({columns}) SELECT {columns} FROM {name} AS p WHERE {older};
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE playlist_default ENABLE TRIGGER USER
"""
DROP = "DROP TABLE {name}"

# Whole sizes in bytes of partitioned indexes: their own and their partitions'.
INDEX_SIZES = """
SELECT parent.relname, sum(pg_relation_size(part.relid))::bigint
FROM pg_class AS parent, pg_partition_tree(parent.oid) AS part
WHERE parent.relname = ANY(%s) AND parent.relkind IN ('i', 'I')
    AND pg_table_is_visible(parent.oid)
GROUP BY 1
"""

# archives/migrations/sql/search.sql says what they return.
LOOKUP = "SELECT kind, n, word, edits, is_public, noted FROM archive_lookup(%s, %s)"

NEARBY = """
SELECT n, word, edits, is_public, noted FROM archive_nearby(%s::text[], %s::int[], %s)
"""

# The ranges of ids of the periods, the newest first, with their rows as last counted by ANALYZE.
RANGES = """
SELECT bounds[1]::uuid AS lower, bounds[2]::uuid AS upper, greatest(c.reltuples, 0)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid,
    regexp_match(pg_get_expr(c.relpartbound, c.oid),
                 '^FOR VALUES FROM \\(''(.+)''\\) TO \\(''(.+)''\\)$') AS bounds
WHERE i.inhparent = 'playlist'::regclass
    AND bounds[2]::uuid <= '04000000-0000-0000-0000-000000000000'
ORDER BY upper DESC
"""

# A jsonpath as PostgreSQL writes it, or what is wrong with it.
JSONPATH = """
SELECT CASE WHEN pg_input_is_valid(asked, 'jsonpath') THEN asked::jsonpath::text END, message
-- OFFSET keeps the planner from casting the constant whatever CASE says.
FROM (SELECT %s::text AS asked OFFSET 0) AS typed, pg_input_error_info(asked, 'jsonpath')
"""

# How often plans used these indexes, all partitions together.
INDEX_SCANS = """
SELECT parent.relname, coalesce(sum(s.idx_scan), 0)::bigint
FROM pg_class AS parent
CROSS JOIN LATERAL pg_partition_tree(parent.oid) AS part
LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = part.relid
WHERE parent.relname = ANY(%s) AND parent.relkind IN ('i', 'I')
    AND pg_table_is_visible(parent.oid)
GROUP BY 1
"""

# The indexes of partitions, and which of the table's own each is a part of.
PARTS_OF_INDEXES = """
SELECT part.relid::regclass::text, whole.relname
FROM pg_index AS i
JOIN pg_class AS whole ON whole.oid = i.indexrelid,
    pg_partition_tree(whole.oid) AS part
WHERE i.indrelid = 'playlist'::regclass
"""

# How many archives have ids that do not tell their time, as last counted by ANALYZE.
WITHOUT_TIME = """
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
FROM pg_partition_tree(to_regclass('archive_without_time')) AS part
JOIN pg_class AS c ON c.oid = part.relid
WHERE part.isleaf
"""

# What ANALYZE knows of the columns of the fullest partition: the share of nulls, the commonest
# values and the share of each, and the bounds of parts of equally many of the others.
COLUMNS_KNOWN = """
SELECT attname, null_frac, most_common_vals::text::text[], most_common_freqs,
    histogram_bounds::text::text[]
FROM pg_stats
WHERE (schemaname, tablename) = (
        SELECT relnamespace::regnamespace::text, relname
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'playlist'::regclass
        ORDER BY reltuples DESC LIMIT 1)
    AND attname IN ('provider', 'status', 'track_count', 'total_duration_ms')
"""
