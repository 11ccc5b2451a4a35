"""The older Vibomat's users come to the present model and go back, and nothing of them is lost."""

import json
import random
import uuid
from collections.abc import Iterator
from io import StringIO
from typing import Any

import argon2
import bcrypt
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from vibomat.accounts.models import User
from vibomat.tests import migrating
from vibomat.tests.databases import connected_to, database, execute
from vibomat.tests.migrating import killed_again_and_again

OLDER = "0001_initial"
PRESENT = "0007_unique_email_whatever_its_case"
STEPS = [
    OLDER,
    "0002_add_present_columns",
    "0003_fill_present_columns",
    "0004_use_present_columns",
    "0005_fill_older_columns",
    "0006_drop_older_columns",
    PRESENT,
]
OLDER_COLUMNS = (
    "id",
    "email",
    "hashed_password",
    "is_active",
    "is_superuser",
    "is_verified",
    "handle",
    "first_name",
    "last_name",
    "is_public",
    "favorite_artists",
    "unskippable_albums",
)

HASHES = [
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
    "$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
    "$2b$12$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "$2a$12$short",
    "$2y$",
    "$2x$12$not-a-version-we-know",
    "argon2$argon2id$v=19$already-prefixed",
    "bcrypt$$2b$12$already-prefixed",
    "argon2$argon2$argon2id",
    "$argon2" + "x" * 1017,
    "$2b$" + "\u00fc" * 1020,
    "pbkdf2_sha256$1000$salt$hash",
    "!unusable",
    "plain",
    "",
    "\n$argon2id$",
]
TEXTS_OF_JSON = [
    None,
    "null",
    "[]",
    " [ ] ",
    '["Bj\\u00f6rk", "Sigur R\u00f3s"]',
    '["Daft Punk", "AC/DC"]',
    '["tab\\tand \\"quotes\\" \\/"]',
    '[{"name": "Air", "id": 1, "name": "Air again"}]',
    '{"b": 1, "a": 2}',
    "[1.10, -0, 1E5, 1e-7, 100000000000000000000000.5]",
    '"text"',
    "true",
    "[1e400000]",
    '["\\u0000"]',
    '["\\ud800"]',
    '{"\\u0000": []}',
    "[[[[]]]]",
    '[\n  "over lines"\n]',
]
UNREADABLE = {"[1e400000]", '["\\u0000"]', '["\\ud800"]', '{"\\u0000": []}'}


def migrate(target: str) -> str:
    """Migrate accounts to that step and return what was printed."""
    return migrating.migrate("accounts", target)


@pytest.fixture(scope="module")
def older_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrating.migrated_copy("accounts", OLDER) as name:
        yield name


@pytest.fixture
def older(older_database: str, db: None) -> Iterator[None]:
    """The older schema, without users."""
    with database("older", older_database) as name, connected_to(name):
        yield


def older_rows() -> dict[uuid.UUID, dict[str, Any]]:
    names = ", ".join(
        f"{name}::text" if name in ("favorite_artists", "unskippable_albums") else name
        for name in OLDER_COLUMNS
    )
    rows = execute(f'SELECT {names} FROM "user"')
    return {row[0]: dict(zip(OLDER_COLUMNS, row, strict=True)) for row in rows}


def present_rows() -> dict[uuid.UUID, dict[str, Any]]:
    """Every column of every user, the hidden older_values and memberships included."""
    rows = execute("""
        SELECT to_jsonb("user") || jsonb_build_object(
            'favorite_artists', favorite_artists::text,
            'unskippable_albums', unskippable_albums::text,
            'groups', ARRAY(SELECT group_id FROM user_groups WHERE user_id = "user".id
                            ORDER BY group_id),
            'permissions', ARRAY(SELECT permission_id FROM user_user_permissions
                                 WHERE user_id = "user".id ORDER BY permission_id)
        )
        FROM "user"
    """)
    users = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]
    return {uuid.UUID(user["id"]): user for user in users}


def add_older(**values: Any) -> uuid.UUID:
    """Insert a user as the older application would."""
    user = {
        "id": uuid.uuid4(),
        "email": f"{uuid.uuid4()}@example.org",
        "hashed_password": "$argon2id$x",
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
        "handle": None,
        "first_name": None,
        "last_name": None,
        "is_public": True,
        "favorite_artists": "[]",
        "unskippable_albums": "[]",
    } | values
    names = ", ".join(user)
    places = ", ".join(f"%({name})s" for name in user)
    execute(f'INSERT INTO "user" ({names}) VALUES ({places})', user)
    return uuid.UUID(str(user["id"]))


def populate(ordinary: int) -> None:
    """Users as a real database has them, and every odd value there is a place for."""
    choose = random.Random(1)
    artists = [
        "Bj\u00f6rk",
        "Daft Punk",
        "\u0410\u043a\u0432\u0430\u0440\u0438\u0443\u043c",
        "\u5b87\u591a\u7530\u30d2\u30ab\u30eb",
        "P!nk",
    ]
    rows = [
        (
            uuid.UUID(int=choose.getrandbits(128), version=4),
            f"user{n}@example.org",
            choose.choice(HASHES[:3]),
            choose.random() < 0.9,
            choose.random() < 0.01,
            choose.random() < 0.5,
            choose.choice([None, f"handle{n}"]),
            choose.choice([None, "", "Zo\u00eb"]),
            choose.choice([None, "O'Hara"]),
            choose.random() < 0.8,
            json.dumps(choose.sample(artists, 2)),
            choose.choice([None, "[]", '[{"album": "Homogenic"}]']),
        )
        for n in range(ordinary)
    ]
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "user" ({", ".join(OLDER_COLUMNS)}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)
    for hashed in HASHES:
        add_older(hashed_password=hashed)
    for text in TEXTS_OF_JSON:
        add_older(favorite_artists=text, unskippable_albums="[]")
        add_older(favorite_artists="[]", unskippable_albums=text)
    for email in [
        "ann@example.org",
        "Ann@example.org",
        "ANN@EXAMPLE.ORG",
        "x" * 308 + "@example.org",
    ]:
        add_older(email=email)
    add_older(email=("X" * 308 + "@example.org"), is_active=False)
    add_older(handle="", first_name="", last_name=" ")
    add_older(handle="h" * 2000, first_name="f" * 2000, last_name="l" * 2000)


def test_every_user_returns_byte_for_byte_and_forward_again_is_the_same(older: None) -> None:
    populate(ordinary=2500)
    before = older_rows()
    assert len(before) == 2500 + len(HASHES) + 2 * len(TEXTS_OF_JSON) + 7
    migrate(PRESENT)
    present = present_rows()
    assert present.keys() == before.keys()
    migrate(OLDER)
    assert older_rows() == before
    migrate(PRESENT)
    assert present_rows() == present


def test_what_each_older_value_becomes(older: None) -> None:
    populate(ordinary=0)
    before = older_rows()
    migrate(PRESENT)
    for user in User.objects.all():
        was = before[user.pk]
        prefix = ""
        if was["hashed_password"].startswith("$argon2"):
            prefix = "argon2"
        elif was["hashed_password"].startswith(("$2a$", "$2b$", "$2y$")):
            prefix = "bcrypt$"
        assert user.password == prefix + was["hashed_password"]
        for name in ("favorite_artists", "unskippable_albums"):
            text = was[name]
            readable = text not in UNREADABLE and text is not None
            assert getattr(user, name) == ((json.loads(text) or []) if readable else [])
        for name in ("handle", "first_name", "last_name", "is_active", "is_public", "is_verified"):
            assert getattr(user, name) == was[name]
        assert user.last_login is None
        assert user.date_joined is None


def test_older_superusers_enter_the_admin_and_nobody_else(older: None) -> None:
    boss, other = add_older(is_superuser=True), add_older()
    migrate(PRESENT)
    assert User.objects.get(pk=boss).is_staff
    assert not User.objects.get(pk=other).is_staff


def test_of_addresses_equal_but_for_case_the_likeliest_user_keeps_it(
    older: None, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = sorted([uuid.uuid4(), uuid.uuid4()])
    add_older(id=first, email="ann@example.org")
    verified = add_older(email="Ann@example.org", is_verified=True)
    gone = add_older(email="ANN@example.org", is_verified=True, is_active=False)
    add_older(id=second, email="bob@example.org")
    taken = add_older(email=f"Duplicate-{first}@email.invalid")
    before = older_rows()
    migrate(PRESENT)
    assert User.objects.get(pk=verified).email == "Ann@example.org"
    assert User.objects.get(pk=gone).email == f"duplicate-{gone}@email.invalid"
    assert User.objects.get_by_natural_key("ANN@EXAMPLE.ORG").pk == verified
    # That very address was somebody's, but for its case: one of the two moves once more.
    emails = {User.objects.get(pk=pk).email.lower() for pk in (first, taken)}
    assert len(emails) == 2
    assert all(email.startswith("duplicate-") for email in emails)
    output = capsys.readouterr().out
    assert f"user {gone}: 'ANN@example.org' is another user's too" in output
    migrate(OLDER)
    assert older_rows() == before


def test_an_address_stays_with_its_person_over_a_way_back_and_forth(older: None) -> None:
    first, second = sorted([uuid.uuid4(), uuid.uuid4()])
    add_older(id=first, email="ann@example.org")
    add_older(id=second, email="Ann@example.org", is_verified=True)
    migrate(PRESENT)
    User.objects.filter(pk=first).update(is_verified=True)
    migrate(OLDER)
    migrate(PRESENT)
    assert User.objects.get(email="Ann@example.org").pk == second


def test_an_edited_or_retaken_address_is_left_as_it_is(older: None) -> None:
    kept = add_older(email="ann@example.org", is_verified=True)
    edited, lost = add_older(email="Ann@example.org"), add_older(email="ANN@example.org")
    migrate(PRESENT)
    User.objects.filter(pk=edited).update(email="new@example.org")
    User.objects.filter(pk=kept).update(email="ANN@example.org")
    migrate(OLDER)
    rows = older_rows()
    assert rows[kept]["email"] == "ANN@example.org"
    assert rows[edited]["email"] == "new@example.org"
    assert rows[lost]["email"] == f"duplicate-{lost}@email.invalid"


def test_json_that_jsonb_cannot_hold_is_reported(
    older: None, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = add_older(favorite_artists='["\\u0000"]')
    good = add_older(favorite_artists=None)
    migrate(PRESENT)
    output = capsys.readouterr().out
    assert f"user {bad}: jsonb cannot hold favorite_artists" in output
    assert str(good) not in output


def test_edited_values_go_back_as_edited(older: None) -> None:
    pk = add_older(
        hashed_password="argon2$argon2id", favorite_artists=None, unskippable_albums=" [1] "
    )
    migrate(PRESENT)
    User.objects.filter(pk=pk).update(
        password="pbkdf2_sha256$1$salt$hash", favorite_artists=["Air"], unskippable_albums=[]
    )
    migrate(OLDER)
    row = older_rows()[pk]
    assert row["hashed_password"] == "pbkdf2_sha256$1$salt$hash"
    assert row["favorite_artists"] == '["Air"]'
    assert row["unskippable_albums"] == "[]"


def test_what_the_older_schema_cannot_hold_waits_and_returns(older: None) -> None:
    migrate(PRESENT)
    user = User.objects.create_superuser("ann@example.org", "a fine password")
    user.last_login = timezone.now()
    user.password = "p" * 1100
    user.save()
    user.groups.add(Group.objects.create(name="Curators"))
    user.user_permissions.add(*Permission.objects.all()[:3])
    raw = User.objects.create_user("raw@example.org", is_staff=True)
    User.objects.filter(pk=raw.pk).update(password="$2b$12$without-prefix")
    admin_but_no_staff = User.objects.create_user("no@example.org", is_superuser=True)
    before = present_rows()
    migrate(OLDER)
    assert older_rows()[user.pk]["hashed_password"] == "p" * 1024
    # Another id by the time it is read again.
    execute("UPDATE auth_group SET id = id + 1000")
    migrate(PRESENT)
    before[user.pk]["groups"] = [before[user.pk]["groups"][0] + 1000]
    assert present_rows() == before
    assert not User.objects.get(pk=admin_but_no_staff.pk).is_staff
    assert execute("SELECT to_regclass('user_kept_aside')") == [(None,)]


def test_what_the_older_application_changed_meanwhile_wins(older: None) -> None:
    migrate(PRESENT)
    users = User.objects
    demoted = users.create_superuser("demoted@example.org").pk
    promoted = users.create_user("promoted@example.org").pk
    changed = users.create_user("changed@example.org").pk
    deleted = users.create_user("deleted@example.org").pk
    users.filter(pk=changed).update(password="p" * 1100, favorite_artists=["Air"])
    joined = {user.pk: user.date_joined for user in users.all()}
    migrate(OLDER)
    execute('UPDATE "user" SET is_superuser = false WHERE id = %s', [demoted])
    execute('UPDATE "user" SET is_superuser = true WHERE id = %s', [promoted])
    execute(
        """UPDATE "user" SET hashed_password = '$2b$12$new', favorite_artists = '["M83"]',
           email = 'other@example.org' WHERE id = %s""",
        [changed],
    )
    execute('DELETE FROM "user" WHERE id = %s', [deleted])
    added = add_older(email="added@example.org")
    migrate(PRESENT)
    assert not users.get(pk=demoted).is_staff
    assert users.get(pk=promoted).is_staff
    user = users.get(pk=changed)
    assert user.password == "bcrypt$$2b$12$new"
    assert user.favorite_artists == ["M83"]
    assert user.email == "other@example.org"
    assert user.date_joined == joined[changed]
    assert set(users.values_list("pk", flat=True)) == {demoted, promoted, changed, added}


def test_writes_between_the_steps_are_kept(older: None) -> None:
    """Whichever application writes while the migration runs, through whichever columns."""
    added: dict[uuid.UUID, list[int]] = {}
    for step in STEPS[:3]:
        migrate(step)
        added[add_older(favorite_artists=None)] = []
        for pk in added:
            execute("""UPDATE "user" SET favorite_artists = %s WHERE id = %s""", ['["Air"]', pk])
        newest = add_older(favorite_artists="[ 1 ]")
        added[newest] = [1]
    for step in STEPS[3:]:
        migrate(step)
        execute('UPDATE "user" SET last_name = %s', [step])
    assert {user.pk: user.favorite_artists for user in User.objects.all()} == {
        pk: [1] if pk == newest else ["Air"] for pk in added
    }
    for step in reversed(STEPS[3:-1]):
        migrate(step)
        execute(
            """UPDATE "user" SET favorite_artists = '["M83"]', password = '!' WHERE id = %s""",
            [newest],
        )
    for step in reversed(STEPS[:3]):
        migrate(step)
        execute("""UPDATE "user" SET unskippable_albums = '[ 2 ]' WHERE id = %s""", [newest])
    row = older_rows()[newest]
    assert row["favorite_artists"] == '["M83"]'
    assert row["unskippable_albums"] == "[ 2 ]"
    assert row["hashed_password"] == "!"


def test_a_migration_killed_anywhere_continues_when_run_again(
    older: None, small_batches: None
) -> None:
    populate(ordinary=40)
    before = older_rows()
    assert killed_again_and_again(lambda: migrate(PRESENT), first=5, further=3) > 5
    user = User.objects.order_by("pk")[0]
    user.groups.add(Group.objects.create(name="Curators"))
    present = present_rows()
    assert killed_again_and_again(lambda: migrate(OLDER), first=5, further=3) > 5
    assert older_rows() == before
    killed_again_and_again(lambda: migrate(PRESENT), first=5, further=3)
    assert present_rows() == present


def test_a_migration_given_up_halfway_goes_back_without_loss(older: None) -> None:
    populate(ordinary=0)
    before = older_rows()
    migrate(PRESENT)
    user = User.objects.order_by("pk")[0]
    user.groups.add(Group.objects.create(name="Curators"))
    present = present_rows()
    migrate(OLDER)
    for step in STEPS[1:-1]:
        migrate(step)
        migrate(OLDER)
        assert older_rows() == before
    migrate(PRESENT)
    assert present_rows() == present


def test_older_users_log_in_with_their_passwords_in_any_case(older: None) -> None:
    add_older(
        email="Argon@Example.org",
        hashed_password=argon2.PasswordHasher(time_cost=1, memory_cost=64).hash("secret"),
    )
    for version in ("a", "b", "y"):
        hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
        add_older(
            email=f"bcrypt-{version}@example.org",
            hashed_password=hashed.replace("$2b$", f"$2{version}$"),
        )
    for n, value in enumerate(HASHES):
        add_older(email=f"odd{n}@example.org", hashed_password=value)
    migrate(PRESENT)
    assert authenticate(username="ARGON@example.ORG", password="secret")
    assert not authenticate(username="ARGON@example.ORG", password="Secret")
    for version in ("a", "b", "y"):
        assert authenticate(username=f"BCRYPT-{version}@example.org", password="secret")
    # Logging in hashed it anew.
    assert User.objects.get(email="bcrypt-b@example.org").password.startswith("argon2$argon2id$")
    for n in range(len(HASHES)):
        assert not authenticate(username=f"odd{n}@example.org", password="secret")


def test_an_older_database_is_migrated_in_place(empty_database: None) -> None:
    # As the older Vibomat's own migrations leave it, with other names and types of the same use.
    execute("""
        CREATE TABLE "user" (
            id uuid PRIMARY KEY,
            handle varchar(50) UNIQUE,
            first_name varchar,
            last_name text,
            is_public boolean NOT NULL,
            favorite_artists json NOT NULL,
            unskippable_albums json NOT NULL,
            email varchar(320) NOT NULL,
            hashed_password varchar(1024) NOT NULL,
            is_active boolean NOT NULL,
            is_superuser boolean NOT NULL,
            is_verified boolean NOT NULL
        );
        CREATE UNIQUE INDEX ix_user_email ON "user" (email);
        CREATE TABLE oauth_account (
            id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES "user" ON DELETE CASCADE
        );
        INSERT INTO "user" VALUES (gen_random_uuid(), 'ann', 'Ann', NULL, true,
            '["Air"]', 'null', 'Ann@example.org', '$2b$12$hash', true, true, false);
        INSERT INTO oauth_account SELECT gen_random_uuid(), id FROM "user";
    """)
    output = StringIO()
    call_command("migrate", "accounts", fake_initial=True, no_color=True, stdout=output)
    assert "accounts.0001_initial... FAKED" in output.getvalue()
    user = User.objects.get()
    assert (user.email, user.password) == ("Ann@example.org", "bcrypt$$2b$12$hash")
    assert (user.favorite_artists, user.unskippable_albums) == (["Air"], [])
    user.handle = "h" * 60
    user.save()
    User.objects.create_user("bob@example.org", handle="bob")
    migrate(OLDER)
    rows = older_rows()
    assert {row["handle"] for row in rows.values()} == {"h" * 60, "bob"}
    assert rows[user.pk]["unskippable_albums"] == "null"
    assert rows[user.pk]["hashed_password"] == "$2b$12$hash"
    assert execute("SELECT user_id FROM oauth_account") == [(user.pk,)]
    migrate(PRESENT)
    assert User.objects.count() == 2


def test_the_first_migration_makes_the_older_schema(older: None) -> None:
    columns = execute("""
        SELECT attname, format_type(atttypid, atttypmod), attnotnull
        FROM pg_attribute WHERE attrelid = '"user"'::regclass AND attnum > 0 AND NOT attisdropped
    """)
    assert {name: (kind, required) for name, kind, required in columns} == {
        "id": ("uuid", True),
        "email": ("character varying(320)", True),
        "hashed_password": ("character varying(1024)", True),
        "is_active": ("boolean", True),
        "is_superuser": ("boolean", True),
        "is_verified": ("boolean", True),
        "handle": ("character varying", False),
        "first_name": ("character varying", False),
        "last_name": ("character varying", False),
        "is_public": ("boolean", True),
        "favorite_artists": ("json", False),
        "unskippable_albums": ("json", False),
    }
    assert execute(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = '\"user\"'::regclass AND NOT tgisinternal"
    ) == [(0,)]
