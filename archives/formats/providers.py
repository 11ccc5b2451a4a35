"""The addresses and URIs by which providers of music know a track or a playlist."""

import re
from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["track", "playlist"]

# Of each provider and kind: an address with the id in it, and what is recognised as one.
_ADDRESSES: dict[tuple[str, Kind], tuple[str, str]] = {
    ("spotify", "track"): (
        "https://open.spotify.com/track/{}",
        r"(?:spotify:track:|https?://open\.spotify\.com/(?:intl-\w+/)?track/)([0-9A-Za-z]{22})",
    ),
    ("spotify", "playlist"): (
        "https://open.spotify.com/playlist/{}",
        r"(?:spotify:playlist:|https?://open\.spotify\.com/playlist/)([0-9A-Za-z]{22})",
    ),
    ("deezer", "track"): (
        "https://www.deezer.com/track/{}",
        r"(?:deezer://(?:www\.deezer\.com/)?|https?://(?:www\.)?deezer\.com/(?:\w\w/)?)track/([0-9]+)",
    ),
    ("deezer", "playlist"): (
        "https://www.deezer.com/playlist/{}",
        r"https?://(?:www\.)?deezer\.com/(?:\w\w/)?playlist/([0-9]+)",
    ),
    ("apple_music", "track"): (
        "https://music.apple.com/song/{}",
        r"(?:applemusic://track/|https?://music\.apple\.com/(?:\w\w/)?song/(?:[^/]+/)?)([0-9]+)",
    ),
    ("youtube_music", "track"): (
        "https://music.youtube.com/watch?v={}",
        r"https?://music\.youtube\.com/watch\?v=([0-9A-Za-z_-]{11})",
    ),
    ("youtube", "track"): (
        "https://www.youtube.com/watch?v={}",
        r"https?://(?:(?:www\.)?youtube\.com/watch\?v=|youtu\.be/)([0-9A-Za-z_-]{11})",
    ),
    ("tidal", "track"): (
        "https://tidal.com/track/{}",
        r"https?://(?:www\.|listen\.)?tidal\.com/(?:browse/)?track/([0-9]+)",
    ),
    ("musicbrainz", "track"): (
        "https://musicbrainz.org/recording/{}",
        r"https?://musicbrainz\.org/recording/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    ),
    ("listenbrainz", "playlist"): (
        "https://listenbrainz.org/playlist/{}",
        r"https?://listenbrainz\.org/playlist/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?",
    ),
}
_RECOGNISED = {
    key: re.compile(pattern + r"(?:[?&#].*)?", re.ASCII) for key, (_, pattern) in _ADDRESSES.items()
}
# RFC 3986: a scheme, then only the characters that a URI may have.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def is_uri(value: Any) -> bool:
    """Whether it is an absolute URI without a fragment or brackets, which some parsers refuse."""
    return isinstance(value, str) and _URI.fullmatch(value) is not None


def recognised(uri: str, kind: Kind) -> tuple[str, str] | None:
    """The provider, and the id it gives to what the URI names; None for an unknown URI."""
    for (provider, of_kind), pattern in _RECOGNISED.items():
        if of_kind == kind and (match := pattern.fullmatch(uri)):
            return provider, match[1]
    return None


def address(provider: Any, identifier: Any, kind: Kind) -> str | None:
    """The address of a track or a playlist at a known provider."""
    if not isinstance(identifier, str) or (provider, kind) not in _ADDRESSES:
        return None
    template, _ = _ADDRESSES[provider, kind]
    uri = template.format(identifier)
    return uri if recognised(uri, kind) == (provider, identifier) else None


def spotify_uri(track: Mapping[str, Any]) -> str:
    """The track's URI where that is one of Spotify's, or the one its Spotify id makes, or ""."""
    uri = track.get("uri")
    if isinstance(uri, str) and uri.startswith("spotify:"):
        return uri
    ids = track.get("provider_ids")
    identifier = ids.get("spotify") if isinstance(ids, Mapping) else None
    return f"spotify:track:{identifier}" if isinstance(identifier, str) and identifier else ""


def provider_ids(uris: list[str]) -> dict[str, str]:
    """What the URIs of a track tell about its ids; the first of each provider counts."""
    ids: dict[str, str] = {}
    for uri in uris:
        if found := recognised(uri, "track"):
            ids.setdefault(*found)
    return ids
