"""The statements of a search; their functions stand in search/migrations/sql/ranking.sql."""

LOOKUP = "SELECT kind, n, word, distance, ndoc FROM search_lookup(%s::text[], %s, %s)"

NEARBY = "SELECT n, word, distance, ndoc FROM search_nearby(%s::text[], %s::int[])"

CANDIDATES = """
SELECT kind, id, external_id, name, artist_credit, album, year, duration_ms, popularity,
       match, likeness, score, best
FROM search_candidates(
    typed => %(typed)s, corrected => %(corrected)s::text[],
    exact => %(exact)s::tsquery, prefix => %(prefix)s::tsquery,
    artists => %(artists)s::tsquery, titles => %(titles)s::tsquery,
    credits => %(credits)s::tsquery, words => %(words)s::tsquery,
    more => %(more)s::tsquery, common => %(common)s::tsquery,
    required => %(required)s::tsquery, genres_any => %(genres)s::text[],
    year_from => %(year_from)s::int, year_to => %(year_to)s::int,
    accented => %(accented)s::text[], otherwise => %(otherwise)s, most => %(most)s)
"""

# Its function stands in search/migrations/sql/complete.sql.
COMPLETE = "SELECT kind, id, completion FROM search_complete(%s, %s::text[], %s)"
