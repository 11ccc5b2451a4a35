"""The search in a terminal."""

import json
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError
from django.test import Client

from search.models import Artist, Track


def run(*arguments: str, **options: Any) -> str:
    printed = StringIO()
    call_command("search", *arguments, stdout=printed, **options)
    return printed.getvalue()


def rows(printed: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in printed.splitlines()
        if line.startswith("│")
    ]


@pytest.mark.usefixtures("catalogue")
def test_a_table_and_what_was_meant() -> None:
    printed = run("daft pnk one more tme", limit=1)
    (row,) = rows(printed)
    assert row[:-1] == ["1", "track", "Daft Punk", "One More Time", "Discovery", "2000", "fuzzy"]
    assert "Did you mean: daft punk one more time" in printed.splitlines()
    assert " ms in 2 statements" in printed.splitlines()[-1]


@pytest.mark.usefixtures("catalogue")
def test_the_table_is_plain_where_there_is_no_terminal() -> None:
    assert "\x1b" not in run("radiohead")


@pytest.mark.usefixtures("catalogue")
def test_type_limit_and_offset() -> None:
    whole = rows(run("radiohead", type="track"))
    assert [row[0] for row in whole] == ["1", "2", "3"]
    assert {row[1] for row in whole} == {"track"}
    assert rows(run("radiohead", type="track", limit=1, offset=1)) == [whole[1]]


@pytest.mark.django_db
def test_names_are_printed_as_they_are() -> None:
    Track.objects.create(title="Halo [bold]Live[/bold] [/]", artist_credit="[red]")
    ((*_, credit, title, _album, _year, _match, _score),) = rows(run("halo live"))
    assert (credit, title) == ("[red]", "Halo [bold]Live[/bold] [/]")


@pytest.mark.usefixtures("catalogue")
def test_nothing_found() -> None:
    assert "Nothing found." in run("zzzqqqxxy")
    assert "Nothing found." in run("")


@pytest.mark.usefixtures("catalogue")
def test_json_is_what_the_api_answers(client: Client) -> None:
    printed = json.loads(run("beyonse halo", "--json", "--limit", "2"))
    answered = client.get("/api/search/", {"q": "beyonse halo", "limit": "2"}).json()
    del printed["took_ms"], answered["took_ms"]
    assert printed == answered


@pytest.mark.usefixtures("catalogue")
def test_explain_prints_the_stages_and_the_plans_inside_functions() -> None:
    printed = run("radiohaed", "--explain")
    assert "words: search_lookup, " in printed
    assert "every word: search_candidates, " in printed
    assert "  typed = radiohaed\n" in printed
    assert "Bitmap Index Scan on search_lexeme_deletes" in printed


@pytest.mark.usefixtures("catalogue")
def test_explain_says_when_plans_are_not_to_be_had() -> None:
    with mock.patch("search.management.commands.search.plans_of", side_effect=ProgrammingError):
        printed = run("radiohead", "--explain")
    assert printed.endswith("No plans: this database role may not load auto_explain.\n")


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("a\0b", {}, "query: Null characters are not allowed."),
        ("a\ud800", {}, "query: Surrogate characters are not allowed: U+D800."),
        ("x" * 501, {}, "query: Ensure this field has no more than 500 characters."),
        ("x", {"limit": 0}, "--limit: Ensure this value is greater than or equal to 1."),
        ("x", {"limit": "ten"}, "--limit: A valid integer is required."),
        ("x", {"offset": -1}, "--offset: Ensure this value is greater than or equal to 0."),
        ("x", {"type": "album"}, '--type: "album" is not a valid choice.'),
    ],
)
def test_bad_arguments_are_one_line(query: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError) as error:
        run(query, **options)
    assert str(error.value) == message


@pytest.mark.django_db
def test_an_empty_catalogue_says_what_to_do() -> None:
    with pytest.raises(CommandError, match=r"manage.py demo --no-serve"):
        run("radiohead")
    Artist.objects.create(name="Radiohead")
    assert rows(run("radiohead"))[0][2] == "Radiohead"
