"""The statements of a search; their functions stand in search/migrations/sql/ranking.sql."""

LOOKUP = "SELECT kind, n, word, distance, ndoc FROM search_lookup(%s::text[], %s, %s)"

NEARBY = "SELECT n, word, distance, ndoc FROM search_nearby(%s::text[], %s::int[])"

CANDIDATES = """
SELECT kind, id, external_id, name, artist_credit, album, year, duration_ms, popularity,
       match, likeness, score, keys, best
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

# For entries of a list; the function stands in search/migrations/sql/resolve.sql. A key has at most
# 120 letters, so the beginning of a name makes it.
KEYS = """
SELECT search_key(search_normalise(artist)),
       search_key(search_normalise(search_main_credit(artist))),
       search_key(search_normalise(title)), search_key(search_normalise(search_bare_title(title))),
       search_key(search_normalise(album))
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS typed(a, t, l, place),
     LATERAL (SELECT left(a, 250), left(t, 250), left(l, 250)) AS beginning(artist, title, album)
ORDER BY place
"""

RESOLVE = """
SELECT place, id, external_id, title, artist_credit, album, year, duration_ms, popularity,
       title_key, full_title_key, credit_key, main_credit_key, album_key
FROM search_resolve(
    queries => %s::text[], artists => %s::text[], main_artists => %s::text[],
    titles => %s::text[], bare_titles => %s::text[], albums => %s::text[], most => %s)
"""

# Its function stands in search/migrations/sql/complete.sql.
COMPLETE = "SELECT kind, id, completion FROM search_complete(%s, %s::text[], %s)"
