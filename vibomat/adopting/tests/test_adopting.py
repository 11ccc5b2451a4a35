"""manage.py adopt: an older database is copied and caught up with, and overwrites nothing here."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import argon2
import bcrypt
import psycopg
import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from archives.models import Archive
from archives.tests.older import HELD, UNHELD
from embeddings.models import Embedding, EmbeddingModel, Interaction
from search.models import Artist, Track
from vibomat import readiness
from vibomat.accounts.models import User
from vibomat.adopting import kinds, load, sql
from vibomat.adopting.models import AdoptedRow
from vibomat.tests.databases import connect, database, execute

from .older import SCHEMA, Older

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
NUL = '{"tracks": [{"artist": "A\\u0000B"}], "name":  "x"}'


@pytest.fixture
def older(transactional_db: None) -> Iterator[Older]:
    with database("adopted", "template0") as name:
        parameters = connection.get_connection_params()
        keep = {key: parameters[key] for key in ("host", "port", "user", "password")
                if key in parameters}  # fmt: skip
        source = Older(keep | {"dbname": name})
        source.execute(SCHEMA)
        try:
            yield source
        finally:
            source.connection.close()


def adopt(source: Older, **options: Any) -> tuple[str, str]:
    """What the command prints, and what it tells of single rows."""
    out, err = StringIO(), StringIO()
    call_command("adopt", url=source.url, stdout=out, stderr=err, no_color=True, **options)
    return out.getvalue(), err.getvalue()


def test_rows_come_with_their_ids_and_by_the_rules_of_the_migrations(older: Older) -> None:
    user = older.add("user", email="Ann@example.org", favorite_artists='["Air"]', is_superuser=True)
    artist = older.add("artist", name="Air", provider_id="a1", genres="pop; downtempo")
    track = older.add("track", title="Sexy Boy", artist_name="Air", album_name=None)
    derived_from, derived = sorted((uuid.uuid4(), uuid.uuid4()), reverse=True)
    older.add(
        "playlist", id=derived, user_id=user, name="Copy", public=True, source_id=derived_from,
        content_json='[{"artist": "Air", "duration_ms": 5}]',
    )  # fmt: skip
    older.add("playlist", id=derived_from, name=None, content_json=NUL, user_id=uuid.uuid4())
    numbers = [0.0, -0.0, 1e-45, 1 / 3, 3.4028235e38] + [0.5] * 763
    prompt = older.add(
        "ai_interaction_embedding", user_id=user, prompt="calm", embedding=str(numbers)
    )
    out, err = adopt(older)
    assert "users: 1 in the older database (1 new); 1 verified, checksum " in out
    assert "archives: 2 in the older database (2 new); 2 verified, checksum " in out
    assert User.objects.get().pk == user
    assert (User.objects.get().favorite_artists, User.objects.get().is_staff) == (["Air"], True)
    assert Artist.objects.get(pk=artist).genres == ["pop", "downtempo"]
    assert Artist.objects.get(pk=artist).external_id == "a1"
    found = Track.objects.get(pk=track)
    assert (found.artist_credit, found.album) == ("Air", "")
    assert found.artists.get().pk == artist
    assert [hit.pk for hit in Track.objects.search("sexi boy")] == [track]
    copy = Archive.objects.get(pk=derived)
    assert (copy.owner_id, copy.visibility, copy.total_duration_ms) == (user, "public", 5)
    assert copy.derived_from_id == derived_from
    original = Archive.objects.get(pk=derived_from)
    assert (original.name, original.owner, original.content["tracks"]) == (
        "", None, [{"artist": "A\ufffdB"}],
    )  # fmt: skip
    assert f"archives {derived_from}: JSONB can't hold content_json as it is (" in err
    assert execute(
        "SELECT older_values #>> '{content,text}' FROM playlist WHERE id = %s", [derived_from]
    ) == [(NUL,)]
    assert Interaction.objects.get(pk=prompt).user_id == user
    model = EmbeddingModel.objects.get()
    assert (model.pk, model.name, model.state) == (1, "older-vibomat", "retired")
    assert execute("SELECT vector_send(full_vector) FROM embedding") == older.execute(
        "SELECT vector_send(embedding) FROM ai_interaction_embedding"
    )
    assert not [result.messages for result in readiness.results(thorough=True) if result.messages]
    assert execute("SELECT to_regnamespace('adopting')") == [(None,)]


def test_content_that_jsonb_cannot_hold_keeps_its_text(older: Older) -> None:
    # Of no version of UUID too: they stand in the default partition.
    texts = {
        older.add("playlist", id=uuid.UUID(int=number), content_json=text): text
        for number, text in enumerate([*UNHELD, *HELD])
    }
    out, err = adopt(older)
    assert f"{len(texts)} verified" in out
    assert len(err.splitlines()) == len(UNHELD)
    kept = execute(
        "SELECT id, tableoid::regclass::text, older_values #>> '{content,text}' FROM playlist"
        " WHERE older_values #>> '{content,reason}' IS NOT NULL ORDER BY id"
    )
    assert [(partition, text) for _, partition, text in kept] == [
        ("playlist_default", text) for text in UNHELD
    ]
    assert Archive.objects.count() == len(texts)


def test_users_log_in_with_the_password_they_had(older: Older) -> None:
    older.add("user", email="a@example.org", hashed_password=QUICK.hash("one"))
    hashed = bcrypt.hashpw(b"two", bcrypt.gensalt(4)).decode()
    older.add("user", email="b@example.org", hashed_password=hashed)
    adopt(older)
    assert authenticate(username="A@example.org", password="one")
    assert authenticate(username="b@example.org", password="two")
    assert not authenticate(username="b@example.org", password="one")


def test_addresses_and_handles_that_others_have_are_reported_and_kept_aside(older: Older) -> None:
    here = User.objects.create_user("here@example.org", handle="dj")
    kept = older.add("user", email="ann@example.org")
    double = older.add("user", email="ANN@example.org", is_active=False)
    late = older.add("user", email="Here@example.org", handle="dj")
    long = older.add("user", email="x@example.org", hashed_password="$2b$" + "x" * 1000)
    older.execute('ALTER TABLE "user" ALTER email TYPE text')
    unfit = older.add("user", email="x" * 400)
    out, err = adopt(older)
    assert f"users {double}: the e-mail address ANN@example.org is another user's; now " in err
    assert f"users {late}: the handle dj is another user's; now without one" in err
    assert f"users {unfit}: it doesn't fit: its e-mail address has more than 320" in err
    emails = dict(User.objects.values_list("pk", "email"))
    assert emails == {
        here.pk: "here@example.org",
        kept: "ann@example.org",
        double: f"duplicate-{double}@email.invalid",
        late: f"duplicate-{late}@email.invalid",
        long: "x@example.org",
    }
    assert "users: 5 in the older database (4 new, 1 not fitting); 4 verified" in out
    assert "users: 5 in the older database (4 unchanged, 1 not fitting)" in adopt(older)[0]


@pytest.mark.parametrize("batch", [1, 2, 5000])
def test_addresses_and_handles_that_pass_from_one_to_another_there_do_so_here(
    older: Older, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    users = replace(kinds.USERS, batch=batch)
    monkeypatch.setattr(load, "KINDS", [users, *kinds.KINDS[1:]])
    ids = sorted(uuid.uuid4() for _ in range(6))
    for number, (id, name) in enumerate(zip(ids, "abcdef", strict=True)):
        older.add("user", id=id, email=f"{name}@example.org", handle=name, is_active=number < 5)
    adopt(older)
    # A moves on and B follows, C and D swap, E and F swap from one end of the order to the other.
    now = dict(zip(ids, "zadcfe", strict=True))
    older.execute("UPDATE \"user\" SET email = id || '@example.org', handle = id")
    for id, name in now.items():
        older.execute(
            'UPDATE "user" SET email = %s, handle = %s WHERE id = %s',
            [f"{name}@example.org", name, id],
        )
    new = older.add("user", id=uuid.UUID(int=0), email="B@example.org", handle="b")
    dry_out, dry_err = adopt(older, dry_run=True)
    out, err = adopt(older)
    assert (dry_err, err) == ("", "")
    assert "users: 7 in the older database (1 new, 6 changed).\n" in dry_out
    assert "users: 7 in the older database (1 new, 6 changed); 7 verified" in out
    expected = {(id, f"{name}@example.org", name) for id, name in now.items()}
    assert {*User.objects.values_list("pk", "email", "handle")} == {
        *expected, (new, "B@example.org", "b"),
    }  # fmt: skip
    assert (
        execute("SELECT FROM \"user\" WHERE older_values ?| '{email,email_instead,handle}'") == []
    )
    assert "users: 7 in the older database (7 unchanged); 7 verified" in adopt(older)[0]


def test_whoever_chooses_a_handle_while_it_is_given_keeps_their_own(older: Older) -> None:
    User.objects.create_user("ann@example.org", handle="dj")
    id = older.add("user", email="bob@example.org", handle="dj")
    adopt(older)
    User.objects.update(handle=None)

    def choose(run: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        if "FOR UPDATE OF p" in statement:
            User.objects.filter(pk=id).update(handle="bobby")
        return run(statement, *arguments)

    with connection.execute_wrapper(choose):
        adopt(older)
    out, _ = adopt(older)
    assert User.objects.get(pk=id).handle == "bobby"
    assert "users: 1 in the older database (1 unchanged); 0 verified" in out


def test_an_address_comes_later_when_whoever_had_it_here_gives_it_up(older: Older) -> None:
    here = User.objects.create_user("ann@example.org", handle="dj")
    inactive = older.add("user", email="Ann@example.org", is_active=False)
    active = older.add("user", email="ANN@example.org", handle="dj")
    edited = older.add("user", email="aNN@example.org")
    _, err = adopt(older)
    notices = [
        f"users {id}: the e-mail address {email}@example.org is another user's; now "
        f"duplicate-{id}@email.invalid"
        for id, email in ((inactive, "Ann"), (active, "ANN"), (edited, "aNN"))
    ]
    handle = f"users {active}: the handle dj is another user's; now without one"
    assert {*err.splitlines()} == {*notices, handle}
    assert {*adopt(older)[1].splitlines()} == {*notices, handle}
    User.objects.filter(pk=edited).update(email="eve@example.org")
    User.objects.filter(pk=here.pk).update(email="here@example.org", handle=None)
    assert adopt(older, dry_run=True)[1].splitlines() == notices[:1]
    out, err = adopt(older)
    assert err.splitlines() == notices[:1]
    assert "users: 3 in the older database (3 unchanged); 2 verified" in out
    assert {*User.objects.values_list("pk", "email", "handle")} == {
        (here.pk, "here@example.org", None),
        (inactive, f"duplicate-{inactive}@email.invalid", None),
        (active, "ANN@example.org", "dj"),
        (edited, "eve@example.org", None),
    }


def test_running_again_brings_what_is_new_or_changed_there(older: Older) -> None:
    artists = [older.add("artist", name=name) for name in ("Air", "Moby")]
    track = older.add("track", title="Porcelain", artist_name="Air")
    older.add("track", title="Run", artist_name="Air")
    archive = older.add("playlist", name="One", content_json="{}")
    prompt = older.add("ai_interaction_embedding", prompt="calm", embedding=str([0.5] * 768))
    adopt(older)
    assert Track.objects.get(pk=track).artists.get().pk == artists[0]
    older.execute("UPDATE track SET artist_name = 'Moby' WHERE id = %s", [track])
    older.execute("UPDATE playlist SET name = 'Two'")
    older.execute("UPDATE ai_interaction_embedding SET embedding = NULL, prompt = 'sad'")
    user = older.add("user")
    older.execute("UPDATE playlist SET user_id = %s", [user])
    out, err = adopt(older)
    assert err == ""
    assert "users: 1 in the older database (1 new); 1 verified" in out
    assert "tracks: 2 in the older database (1 unchanged, 1 changed); 2 verified" in out
    assert Track.objects.get(pk=track).artists.get().pk == artists[1]
    assert Archive.objects.get(pk=archive).name == "Two"
    assert Archive.objects.get(pk=archive).owner_id == user
    assert Interaction.objects.get(pk=prompt).text == "sad"
    assert not Embedding.objects.exists()
    assert [hit.title for hit in Track.objects.search("moby porcelain")] == ["Porcelain"]
    revision = Archive.objects.get().revision
    adopt(older)
    assert Archive.objects.get().revision == revision


def test_what_was_edited_or_deleted_here_stays_so_and_is_told(older: Older) -> None:
    edited, deleted, both = (
        older.add("playlist", id=uuid.UUID(int=n, version=4), content_json="{}") for n in (1, 2, 3)
    )
    gone = older.add("track", title="Gone")
    adopt(older)
    Archive.objects.filter(pk__in=[edited, both]).update(name="Ours")
    Archive.objects.filter(pk=deleted).delete()
    older.execute("UPDATE playlist SET description = 'new' WHERE id <> %s", [both])
    older.execute("DELETE FROM track")
    out, err = adopt(older)
    assert err.splitlines() == [
        f"archives {edited}: edited here since; kept as it is",
        f"archives {deleted}: deleted here since; kept as it is",
        f"tracks {gone}: it is not in the older database any more; kept here",
    ]
    assert "archives: 3 in the older database (1 unchanged, 1 edited here since, 1 deleted" in out
    assert {*Archive.objects.values_list("pk", "name", "description")} == {
        (edited, "Ours", ""), (both, "Ours", ""),
    }  # fmt: skip
    assert Track.objects.get().pk == gone


def test_a_row_that_is_here_already_is_taken_for_the_same_or_left(older: Older) -> None:
    same = older.add("artist", name="Air")
    other = older.add("artist", name="Moby")
    Artist.objects.create(pk=same, name="Air", external_id=None)
    Artist.objects.create(pk=other, name="Theirs")
    out, err = adopt(older)
    assert err == f"artists {other}: another row here has its id; kept as it is\n"
    assert "artists: 2 in the older database (1 as here already, 1 another row here has" in out
    assert Artist.objects.get(pk=other).name == "Theirs"


def test_a_dry_run_tells_the_same_and_writes_nothing(older: Older) -> None:
    user = older.add("user", email="ann@example.org")
    older.add("user", email="Ann@example.org")
    older.add("playlist", name="One", user_id=user, content_json=NUL)
    dry_out, dry_err = adopt(older, dry_run=True)
    assert not User.objects.exists() and not Archive.objects.exists()
    assert "users: 2 in the older database (2 new).\n" in dry_out
    assert dry_out.endswith("Nothing was written.\n")
    assert adopt(older)[1] == dry_err
    assert len(dry_err.splitlines()) == 2


def test_killed_in_a_batch_it_has_nothing_half_and_goes_on(
    older: Older, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [older.add("track", title=f"Song {n}") for n in range(30)]
    monkeypatch.setattr(load, "KINDS", [replace(kind, batch=10) for kind in kinds.KINDS])
    notes = 0

    def killing(run: Any, statement: str, *arguments: Any) -> Any:
        nonlocal notes
        if "INSERT INTO" in statement and "adopted_row" in statement:
            notes += 1
            if Track.objects.count() == 20:
                connection.close()
                raise KeyboardInterrupt
        return run(statement, *arguments)

    with connection.execute_wrapper(killing), pytest.raises(CommandError, match="Interrupted"):
        adopt(older)
    assert notes > 1
    assert Track.objects.count() == 10
    assert AdoptedRow.objects.count() == 10
    out, _ = adopt(older)
    assert "tracks: 30 in the older database (10 unchanged, 20 new); 30 verified" in out
    assert {*Track.objects.values_list("pk", flat=True)} == {*ids}
    assert readiness.results(thorough=True)[3].messages == []


def test_a_role_that_may_only_select_is_enough(older: Older) -> None:
    older.add("artist", name="Air")
    older.execute("""
        DROP ROLE IF EXISTS adopting_reader;
        CREATE ROLE adopting_reader LOGIN;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO adopting_reader;
    """)
    older.url = psycopg.conninfo.make_conninfo(older.url, user="adopting_reader")
    adopt(older)
    assert Artist.objects.get().name == "Air"
    older.execute("REVOKE SELECT ON playlist FROM adopting_reader")
    with pytest.raises(CommandError, match="can't be read: permission denied for table playlist"):
        adopt(older)
    older.execute("DROP OWNED BY adopting_reader; DROP ROLE adopting_reader")


def test_what_keeps_it_from_starting_is_told_in_a_line(
    older: Older, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "LOCK_SECONDS", 0)
    with connect() as other:
        other.execute(sql.TRY_LOCK)
        with pytest.raises(CommandError, match=r"^Another adoption is running"):
            adopt(older)
        other.execute(sql.UNLOCK)
    older.execute("ALTER TABLE track DROP COLUMN album_name")
    with pytest.raises(CommandError, match=r"^track\.album_name there is missing, and should be"):
        adopt(older)
    older.execute("DROP TABLE track")
    with pytest.raises(CommandError, match=r"^There is no table track there"):
        adopt(older)
    older.url = "postgresql://nobody@127.0.0.1:1/nothing"
    with pytest.raises(CommandError, match=r"^The older database can't be read: .*refused"):
        adopt(older)
    for url in ("", "nonsense", "postgresql+asyncpg://ann:secret@old.example/vibomat"):
        older.url = url
        with pytest.raises(CommandError, match=r"^The address must look like postgresql://[^']*$"):
            adopt(older)
