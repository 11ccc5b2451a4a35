"""Whether the vocabulary is in step is found out from triggers, a few rows, and a recount."""

import pytest
from django.db import connection
from model_bakery import baker

from search import readiness
from search.models import Lexeme


def found(*, recounted: bool = False) -> list[str | None]:
    check = readiness.vocabulary_counted if recounted else readiness.vocabulary_in_step
    with connection.cursor() as cursor:
        return [message.id for message in check(cursor)]


@pytest.fixture
def _catalogue(db: None) -> None:
    baker.make("search.Artist", name="Nina Simone")
    baker.make("search.Track", title="Sinnerman", artist_credit="Nina Simone", _quantity=3)


@pytest.mark.django_db
def test_an_empty_catalogue_is_in_step() -> None:
    assert found() == found(recounted=True) == []


@pytest.mark.usefixtures("_catalogue")
def test_a_catalogue_that_triggers_followed_is_in_step() -> None:
    assert found() == found(recounted=True) == []


@pytest.mark.usefixtures("_catalogue")
@pytest.mark.parametrize("wrong", ["deleted", "zero"])
def test_a_word_that_the_vocabulary_lacks_is_found(wrong: str) -> None:
    word = Lexeme.objects.filter(word="sinnerman")
    _ = word.delete() if wrong == "deleted" else word.update(ndoc=0)
    assert found() == ["search.E002"]
    with connection.cursor() as cursor:
        (message,) = readiness.vocabulary_in_step(cursor)
    # Its words, and the keys of the names.
    assert message.msg == "The vocabulary lacks 1 of 5 words drawn from the catalogue."


@pytest.mark.usefixtures("_catalogue")
def test_a_row_without_a_vector_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE track DISABLE TRIGGER search_fill")
        cursor.execute("UPDATE track SET search_vector = NULL")
        cursor.execute("ALTER TABLE track ENABLE TRIGGER search_fill")
    assert found() == ["search.E002"]


@pytest.mark.usefixtures("_catalogue")
def test_a_wrong_count_is_found_by_recounting() -> None:
    Lexeme.objects.filter(word="sinnerman").update(ndoc=4)
    assert found() == []
    assert found(recounted=True) == ["search.E003"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_recount_lexemes()")
    assert found(recounted=True) == []


@pytest.mark.usefixtures("_catalogue")
def test_changes_that_wait_count() -> None:
    Lexeme.objects.filter(word="sinnerman").update(ndoc=0)
    baker.make("search.LexemeChange", word="sinnerman", change=1, _quantity=3)
    assert found() == found(recounted=True) == []


@pytest.mark.usefixtures("_catalogue")
def test_many_waiting_changes_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    baker.make("search.LexemeChange", word="sinnerman", change=0, _quantity=3)
    monkeypatch.setattr(readiness, "MANY_WAITING", 3)
    assert found() == []
    monkeypatch.setattr(readiness, "MANY_WAITING", 2)
    assert found() == ["search.W001"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE track DISABLE TRIGGER search_update", "DROP TRIGGER search_update ON track"],
)
def test_a_trigger_that_does_not_fire_is_named(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (message,) = readiness.vocabulary_in_step(cursor)
    assert message.msg == "Triggers are missing or disabled: search_update of track."
