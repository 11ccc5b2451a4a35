"""The statements that say more than the ORM can."""

# An index of one model's vectors. PostgreSQL takes its parameters as they stand, quoted or cast.
CREATE_INDEX = """
CREATE INDEX {concurrently} {name} ON embedding
USING hnsw (({column}::halfvec({dimensions})) {opclass}) WITH (m = {m}, ef_construction = {ef})
WHERE model_id = {model}
"""
DROP_INDEX = "DROP INDEX {concurrently} IF EXISTS {name}"

# Whether an index is there, and whole.
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"

# Who builds or drops a model's index has this lock for as long as it takes.
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('vibomat.embeddings.index'), %s)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('vibomat.embeddings.index'), %s)"

# How many vectors an index had when it was built or last analysed, 0 if there is none.
INDEXED = """coalesce(
    (SELECT reltuples FROM pg_class
     WHERE oid = to_regclass('embedding_hnsw_' || %(expressions)s)),
    0
)"""

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

# The lexemes of a text, and the share of interactions that have them as last counted by ANALYZE, 0
# where it does not know of any.
WORDS = """
SELECT word.lexeme, coalesce(max(known.frequency), 0)
FROM unnest(to_tsvector('vibomat', search_normalise(%s))) AS word
LEFT JOIN (
    pg_stats AS s CROSS JOIN LATERAL
    unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS known (lexeme, frequency)
) ON s.schemaname = current_schema() AND s.tablename = 'interaction'
    AND s.attname = 'search_vector' AND known.lexeme = word.lexeme
GROUP BY 1
"""

# The nearest vectors of a model: whose, and how far. The first goes by the index, whose expression
# has the cast, and whose condition is known by the model's id as it stands, not by a parameter. The
# other compares all.
BY_INDEX = """
SELECT interaction_id, {column}::halfvec({dimensions}) {operator} %s::halfvec({dimensions})
    AS distance
FROM embedding
WHERE model_id = {model} {among}
ORDER BY distance LIMIT {k}
"""
EXACT = """
SELECT interaction_id, distance
FROM embedding, LATERAL (SELECT {column} {operator} %s::{type}({dimensions})) AS computed (distance)
WHERE model_id = {model} {finite} {among}
ORDER BY distance LIMIT {k}
"""
AMONG = "AND interaction_id IN ({candidates})"
# The distances to all of some candidates, and to none if there are too many. Of an array of ids the
# index looks for each but once, in its own order, and not from its root.
EXACT_IF_FEW = """
WITH few AS MATERIALIZED (
    SELECT ARRAY(SELECT id FROM ({candidates}) AS candidate (id) LIMIT {most} + 1) AS ids
)
SELECT interaction_id, distance
FROM embedding, LATERAL (SELECT {column} {operator} %s::{type}({dimensions})) AS computed (distance)
WHERE model_id = {model} {finite} AND interaction_id = ANY ((SELECT ids FROM few)::uuid[])
    AND (SELECT cardinality(ids) FROM few) <= {most}
ORDER BY distance LIMIT {k}
"""

# How many candidates the planner expects; and whether they are few, counting no more than it takes.
EXPLAIN = "EXPLAIN (FORMAT json) {candidates}"
ARE_FEW = """
SELECT count(*) <= {most} FROM (SELECT FROM ({candidates}) AS all_ LIMIT {most} + 1) AS counted
"""

# The similarity of an interaction. Rounding leads beyond 1 by a few ten-thousandths.
SIMILARITY = """(
    SELECT least(greatest({cosine}, -1), 1)
    FROM embedding AS e,
        LATERAL (SELECT e.{column} {operator} %%s::{type}({dimensions})) AS computed (distance)
    WHERE e.model_id = {model} AND e.interaction_id = %(expressions)s {finite}
)"""

# The interactions that a statement finds, whole; its own settings must leave it the order.
ROWS = """
SELECT near.id, near.distance, {columns}
FROM ({nearest}) AS near (id, distance) JOIN interaction ON interaction.id = near.id
"""

# Reciprocal rank fusion (G. Cormack, C. Clarke, S. Büttcher, 2009) of two statements, each of which
# gives an id and by how much: the nearest by distance, and those that have the words. 60 is the
# paper's constant. Whose vector is not among the nearest has no distance.
FUSE = """
WITH nearest (id, distance) AS MATERIALIZED ({nearest}),
worded (id, weight) AS MATERIALIZED ({worded}),
placed AS (
    SELECT id, distance, rank() OVER (ORDER BY distance) AS place FROM nearest
    UNION ALL
    SELECT id, NULL, rank() OVER (ORDER BY weight DESC) FROM worded
)
SELECT id, min(distance)
FROM placed
GROUP BY id
ORDER BY sum(1.0 / (60 + place)) DESC, min(distance), id
"""
NOTHING_WORDED = "SELECT NULL::uuid, NULL::float8 WHERE false"

# Of the newest interactions, how many each model in use has no vector of.
WAITING = """
WITH newest AS MATERIALIZED (
    SELECT id FROM interaction ORDER BY created DESC, id DESC LIMIT %s
)
SELECT m.name, count(newest.id) FILTER (WHERE e.interaction_id IS NULL)
FROM embedding_model AS m
LEFT JOIN newest ON true
LEFT JOIN embedding AS e ON e.interaction_id = newest.id AND e.model_id = m.id
WHERE m.state <> 'retired'
GROUP BY m.name
ORDER BY m.name
"""
