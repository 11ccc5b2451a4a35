"""The formats: what each is called, and what can be done with it."""

import enum
from collections.abc import Callable
from typing import Any

from archives.formats import collected, jspf, million, vibomat
from archives.formats.playlist import Playlist, Reading


class Format(enum.StrEnum):
    """A format of playlist files; its value is its name in options and addresses."""

    JSPF = "jspf"
    XSPF = "xspf"
    M3U8 = "m3u8"
    CSV = "csv"
    MPD = "mpd"
    VIBOMAT = "vibomat"
    KCRW = "kcrw"
    HARISEKHON = "harisekhon"
    SPOTIFY_EDITORIAL = "spotify_editorial"
    BEATIFY = "beatify"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def suffix(self) -> str:
        """How the names of its files end."""
        return _SUFFIXES.get(self, ".json")

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES.get(self, "application/json")

    @property
    def is_written(self) -> bool:
        return self not in (self.KCRW, self.HARISEKHON, self.SPOTIFY_EDITORIAL, self.BEATIFY)

    @property
    def holds_many(self) -> bool:
        """Whether a file of it may have several playlists when it is written."""
        return self in (self.MPD, self.VIBOMAT)


_LABELS = {
    Format.JSPF: "JSPF",
    Format.XSPF: "XSPF",
    Format.M3U8: "M3U8",
    Format.CSV: "CSV of Exportify",
    Format.MPD: "Million Playlist Dataset",
    Format.VIBOMAT: "Vibomat",
    Format.KCRW: "KCRW",
    Format.HARISEKHON: "Hari Sekhon",
    Format.SPOTIFY_EDITORIAL: "Spotify editorial",
    Format.BEATIFY: "Beatify",
}
_SUFFIXES = {
    Format.JSPF: ".jspf",
    Format.XSPF: ".xspf",
    Format.M3U8: ".m3u8",
    Format.CSV: ".csv",
}
_MEDIA_TYPES = {
    Format.JSPF: "application/jspf+json",
    Format.XSPF: "application/xspf+xml",
    Format.M3U8: "application/vnd.apple.mpegurl",
    Format.CSV: "text/csv",
}

# The formats that are JSON, by the playlist that an object of theirs makes.
OBJECTS: dict[Format, Callable[[dict[str, Any], Reading], Playlist]] = {
    Format.JSPF: jspf.playlist,
    Format.MPD: million.playlist,
    Format.VIBOMAT: vibomat.playlist,
    Format.KCRW: collected.kcrw,
    Format.HARISEKHON: collected.harisekhon,
    Format.SPOTIFY_EDITORIAL: collected.spotify_editorial,
    Format.BEATIFY: collected.beatify,
}


def format_of(value: Any) -> Format | None:
    """The format of a JSON object that is one playlist, by its keys; None if of none."""
    if not isinstance(value, dict):
        return None
    if vibomat.is_marked(value):
        return Format.VIBOMAT
    if isinstance(value.get("playlist"), dict):
        return Format.JSPF
    source = value.get("source")
    if source in ("kcrw", "harisekhon", "spotify_editorial", "beatify"):
        return Format(source)
    tracks = value.get("tracks")
    if tracks is not None and not isinstance(tracks, list):
        return None
    keys = {key for track in (tracks or [])[:20] if isinstance(track, dict) for key in track}
    return _format_by_tracks(keys) if keys else _format_by_playlist(value)


def _format_by_tracks(keys: set[str]) -> Format | None:
    if keys & {"track_name", "artist_name", "track_uri"}:
        return Format.MPD
    if "track" in keys:
        return Format.VIBOMAT
    if "line" in keys:
        return Format.HARISEKHON
    if "title" in keys and "artists" in keys:
        return Format.SPOTIFY_EDITORIAL
    if "title" in keys and any(key.startswith("uri_") for key in keys):
        return Format.BEATIFY
    if "title" in keys:
        return Format.KCRW
    return Format.VIBOMAT if "artist" in keys else None


def _format_by_playlist(value: dict[str, Any]) -> Format | None:
    if "pid" in value:
        return Format.MPD
    if "program" in value and "host" in value:
        return Format.KCRW
    if "playlist_id" in value:
        return Format.SPOTIFY_EDITORIAL
    known = ("name", "description", "tracks", "metadata", "public")
    return Format.VIBOMAT if any(key in value for key in known) else None
