"""The statements that say more than the ORM can."""

# An index of one model's vectors. PostgreSQL takes its parameters as they stand, quoted or cast.
CREATE_INDEX = """
CREATE INDEX CONCURRENTLY {name} ON embedding
USING hnsw (({column}::halfvec({dimensions})) {opclass}) WITH (m = {m}, ef_construction = {ef})
WHERE model_id = {model}
"""
DROP_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS {name}"

# Whether an index is there, and whole.
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"

# Who builds or drops a model's index has this lock for as long as it takes.
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('vibomat.embeddings.index'), %s)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('vibomat.embeddings.index'), %s)"

INDEX_SIZE = "SELECT coalesce(pg_relation_size(to_regclass(%s)), 0)"

# How many vectors of a model have another number of dimensions than it says.
WRONG_DIMENSIONS = """
SELECT count(*) FROM embedding
WHERE model_id = %s AND ({column} IS NULL OR vector_dims({column}) <> %s)
"""

# Phase and progress of the index that is being built on embedding.
PROGRESS = """
SELECT phase, blocks_total, blocks_done, tuples_total, tuples_done
FROM pg_stat_progress_create_index
WHERE relid = 'embedding'::regclass
"""
