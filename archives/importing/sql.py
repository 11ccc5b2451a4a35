"""The statements of an import."""

# Held to the end of the transaction: imports for one owner take turns, batch by batch.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('vibomat.archives.importing'), hashtext(%s::text))"

# Gives the keys that are new, or whose archive is gone. NOT EXISTS might be planned as a hash of
# every archive's id.
NOTE = """
INSERT INTO archive_import AS known (owner_id, key, archive_id)
SELECT %(owner)s, key, archive_id
FROM unnest(%(keys)s::uuid[], %(archives)s::uuid[]) AS given (key, archive_id)
ON CONFLICT (owner_id, key) DO UPDATE SET archive_id = excluded.archive_id
    WHERE (SELECT id FROM playlist WHERE id = known.archive_id) IS NULL
RETURNING key
"""

# Partitions with rows of which nothing is known.
NEVER_ANALYZED = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'playlist'::regclass AND c.reltuples < 0 AND pg_relation_size(c.oid) > 0
ORDER BY c.relname
"""
