"""What is copied, in this order, and by which rules: those of the apps' migrations.

Each kind has a table in the schema `adopting` that its rows arrive in (`arriving`), and one of the
form that this application's has (`converted`). Both may be the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps

from vibomat.accounts.migrations._older import CREATE_FUNCTIONS, CREATE_KEPT_ASIDE

from . import sql


def conversion_of(app: str) -> str:
    """The functions by which that app's migrations convert older rows."""
    path = Path(apps.get_app_config(app).path) / "migrations" / "sql" / "conversion.sql"
    return path.read_text(encoding="utf-8")


def conversion_of_users() -> str:
    return CREATE_KEPT_ASIDE + CREATE_FUNCTIONS


@dataclass(frozen=True)
class Kind:
    """`columns` are the older table's, with the types they must have there; `written` those that
    adopting writes here, `inserted` those that it writes only once. By `written` and `digested` it
    is told whether a row was edited here. `link` gives rows what came after them; `ready_to_link`
    and `notices_at_end` are run in a dry run too. `staging` is emptied for each batch."""

    name: str
    table: str
    columns: dict[str, str]
    functions: Callable[[], str]
    create: str
    arriving: str
    arriving_columns: tuple[str, ...]
    convert: str
    converted: str
    here: str
    written: tuple[str, ...]
    inserted: tuple[str, ...] = ()
    order: str = "id"
    batch: int = 5000
    digested: str = ""
    unfit: str = ""
    notices: str = ""
    before_writing: tuple[str, ...] = ()
    after_writing: tuple[str, ...] = ()
    instead_of_writing: str = ""
    ready_to_link: str = ""
    link: str = ""
    linkable: str = ""
    notices_at_end: str = ""
    staging: tuple[str, ...] = ()


USERS = Kind(
    "users",
    '"user"',
    {
        "id": "uuid",
        "email": "text",
        "hashed_password": "text",
        "is_active": "boolean",
        "is_superuser": "boolean",
        "is_verified": "boolean",
        "handle": "text",
        "first_name": "text",
        "last_name": "text",
        "is_public": "boolean",
        "favorite_artists": "json",
        "unskippable_albums": "json",
    },
    conversion_of_users,
    sql.CREATE_USERS,
    "arriving_user",
    (
        "id", "email", "hashed_password", "is_active", "is_superuser", "is_verified", "handle",
        "first_name", "last_name", "is_public", "favorite_artists", "unskippable_albums",
    ),
    sql.CONVERT_USERS,
    "converted_user",
    '"user"',
    (
        "email", "password", "is_active", "is_superuser", "is_verified", "handle", "first_name",
        "last_name", "is_public", "favorite_artists", "unskippable_albums", "is_staff",
        "older_values",
    ),
    # Of those who share an address but for its case, the one most likely in use keeps it.
    order="is_active DESC, is_verified DESC, id",
    unfit=sql.UNFIT_USERS,
    instead_of_writing=sql.NOTE_COMING_USERS,
    ready_to_link=sql.NAME_USERS,
    link=sql.LINK_USERS,
    linkable=sql.LINKABLE_USERS,
    notices_at_end=sql.NOTICES_OF_USERS,
    staging=("arriving_user", "converted_user"),
)  # fmt: skip
ARTISTS = Kind(
    "artists",
    "artist",
    {"id": "uuid", "name": "text", "provider_id": "text", "genres": "text"},
    lambda: conversion_of("search"),
    sql.CREATE_ARTISTS,
    "artist",
    ("id", "name", "external_id", "older_genres"),
    sql.CONVERT_ARTISTS,
    "artist",
    "artist",
    ("name", "external_id", "genres"),
    unfit=sql.UNFIT_ARTISTS,
    after_writing=(sql.KEEP_OLDER_TEXTS,),
    staging=("artist", "search_kept_aside"),
)
TRACKS = Kind(
    "tracks",
    "track",
    {
        "id": "uuid",
        "title": "text",
        "artist_name": "text",
        "album_name": "text",
        "provider_id": "text",
    },
    lambda: "",
    sql.CREATE_TRACKS,
    "track",
    ("id", "title", "artist_credit", "album", "external_id"),
    sql.CONVERT_TRACKS,
    "track",
    "track",
    ("title", "artist_credit", "album", "external_id"),
    unfit=sql.UNFIT_TRACKS,
    before_writing=(sql.UNLINK_TRACKS,),
    after_writing=(sql.KEEP_OLDER_TEXTS, sql.LINK_TRACKS),
    staging=("track", "search_kept_aside"),
)
ARCHIVES = Kind(
    "archives",
    "playlist",
    {
        "id": "uuid",
        "user_id": "uuid",
        "name": "text",
        "description": "text",
        "public": "boolean",
        "status": "text",
        "provider": "text",
        "provider_id": "text",
        "total_duration_ms": "integer",
        "deleted_at": "timestamptz",
        "last_synced_at": "timestamptz",
        "content_json": "json",
        "source_id": "uuid",
    },
    lambda: conversion_of("archives"),
    sql.CREATE_ARCHIVES,
    "arriving_playlist",
    (
        "id", "user_id", "name", "description", "public", "status", "provider", "provider_id",
        "total_duration_ms", "deleted_at", "last_synced_at", "content_json", "source_id",
    ),
    sql.CONVERT_ARCHIVES,
    "playlist_present",
    "playlist",
    (
        "user_id", "name", "description", "visibility", "status", "provider", "provider_id",
        "source_id", "last_synced_at", "deleted_at", "content", "total_duration_ms",
        "older_values",
    ),
    ("created", "updated"),
    batch=500,
    notices=sql.NOTICES_OF_ARCHIVES,
    link=sql.LINK_ARCHIVES,
    linkable=sql.LINKABLE_ARCHIVES,
    staging=("arriving_playlist", "playlist_present"),
)  # fmt: skip
PROMPTS = Kind(
    "prompts",
    "ai_interaction_embedding",
    {"id": "uuid", "user_id": "uuid", "prompt": "text", "embedding": "vector(768)"},
    lambda: conversion_of("embeddings"),
    sql.CREATE_PROMPTS,
    "ai_interaction_embedding",
    ("id", "user_id", "prompt", "embedding"),
    sql.CONVERT_PROMPTS,
    "interaction",
    "interaction",
    ("user_id", "text", "older_values"),
    ("created",),
    batch=1000,
    digested=sql.OLDER_VECTOR,
    after_writing=(sql.ADD_OLDER_MODEL, sql.DROP_OLDER_VECTORS, sql.ADD_OLDER_VECTORS),
    link=sql.LINK_PROMPTS,
    linkable=sql.LINKABLE_PROMPTS,
    staging=("ai_interaction_embedding", "interaction", "embedding"),
)
KINDS = (USERS, ARTISTS, TRACKS, ARCHIVES, PROMPTS)
