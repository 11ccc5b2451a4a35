"""The helper that shows plans."""

from django.db import connection

from search.plans import plans_of


def test_statements_inside_a_function_show_their_plans(db: None) -> None:
    def call() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM search_lookup(ARRAY['daft pnk'], 1, 1)")

    plans = plans_of(call)
    assert any("Scan on search_lexeme" in plan for plan in plans[:-1])
    assert "Function Scan on search_lookup" in plans[-1]


def test_the_connection_is_left_as_it_was(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW client_min_messages")
        before = cursor.fetchone()
        plans_of(lambda: cursor.execute("SELECT 1"))
        cursor.execute("SHOW client_min_messages")
        assert cursor.fetchone() == before
