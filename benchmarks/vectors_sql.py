"""Statements of the benchmark of vectors."""

EMPTY = 'TRUNCATE interaction, embedding, embedding_model; DELETE FROM "user"'

# A hundredth of the interactions is the first user's, a thousandth the second's, and so on.
FILL = """
INSERT INTO interaction (id, text, created, metadata, user_id)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'made ' || n,
    timestamptz '2025-01-01 00:00+00' + n * interval '10 seconds',
    jsonb_build_object('hundredth', n %% 100),
    CASE WHEN n %% 100 = 0 THEN %s WHEN n %% 1000 = 1 THEN %s WHEN n %% 10000 = 2 THEN %s END::uuid
FROM generate_series(%s, %s) AS n
"""

COPY = "COPY embedding (interaction_id, model_id, vector) FROM STDIN (FORMAT binary)"

SIZES = """
SELECT pg_table_size('embedding'), pg_relation_size(%s),
    pg_total_relation_size('embedding') - pg_table_size('embedding') - pg_relation_size(%s)
"""

# Ways of keeping the same vectors, in a schema of their own.
SCHEMA = "benchmark_vectors"
CREATE_SCHEMA = f"""
DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;
CREATE SCHEMA {SCHEMA};
CREATE TABLE {SCHEMA}.made (n bigint, v vector)
"""
DROP_SCHEMA = f"DROP SCHEMA {SCHEMA} CASCADE"
COPY_MADE = f"COPY {SCHEMA}.made FROM STDIN (FORMAT binary)"
CREATE = f"CREATE TABLE {SCHEMA}.way AS SELECT n, v::{{type}} AS v FROM {SCHEMA}.made"
CREATE_INDEX = f"CREATE INDEX ON {SCHEMA}.way USING hnsw ({{index}})"
DROP = f"DROP TABLE {SCHEMA}.way"
SIZE = f"SELECT pg_table_size('{SCHEMA}.way'), pg_indexes_size('{SCHEMA}.way')"
NEAREST = f"SELECT n FROM {SCHEMA}.way ORDER BY {{distance}} LIMIT 10"
NEAREST_BITS = f"""
SELECT n FROM (
    SELECT n, v FROM {SCHEMA}.way
    ORDER BY binary_quantize(v)::bit({{dimensions}})
        <~> binary_quantize(%(vector)s::halfvec({{dimensions}}))
    LIMIT {{depth}}
) AS near
ORDER BY v <=> %(vector)s::halfvec({{dimensions}}) LIMIT 10
"""
