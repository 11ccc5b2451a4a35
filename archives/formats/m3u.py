"""M3U8: extended M3U in UTF-8 (https://en.wikipedia.org/wiki/M3U).

`#PLAYLIST` is the name, `#EXTINF` a track's duration and "artist - title", `#EXTART` its artist,
`#EXTALB` its album, and the line behind them its location. A track without a URI gets a file name
made of its names as its location, which is known as such when it is read again.

It can't hold a description, versions, metadata, visibility, other ids than the URI's own (a
Spotify URI always brings its id along in `provider_ids`), the time of creation, unknown keys, line
ends, or space around a text. Every file is one playlist.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from archives.formats.playlist import Playlist, Reading
from archives.formats.providers import provider_ids
from archives.formats.source import Source
from archives.formats.values import milliseconds, without_empty

# Attributes as IPTV lists have them may stand before the comma: `#EXTINF:-1 tvg-id="x",Name`.
_EXTINF = re.compile(r'\s*([+-]?[0-9]*\.?[0-9]*)((?:\s+[\w-]+=(?:"[^"]*"|[^\s,"]*))*)\s*,?(.*)')
_LINE_END = re.compile(r"\r\n|\r|\n")
_STREAM = "#EXT-X-"
_SEPARATOR = " - "
_NOT_IN_FILE_NAMES = re.compile(r'[\\/:*?"<>|#\x00-\x1f]')


def playlist(source: Source, reading: Reading) -> Playlist:
    content: dict[str, Any] = {}
    tracks: list[dict[str, Any]] = []
    said: dict[str, str] = {}
    for number, line in enumerate(_LINE_END.split(source.whole_text()), 1):
        line = line.strip()
        if line.startswith(_STREAM):
            raise source.error(f"is the manifest of a stream (HLS: line {number}), not a playlist")
        directive, colon, value = line.partition(":")
        if line.startswith("#"):
            if directive == "#PLAYLIST" and colon:
                content.setdefault("name", value.strip())
            elif colon:
                said[directive] = value.strip()
        elif line:
            tracks.append(_track(line, said, len(tracks), reading))
            said = {}
    content["tracks"] = tracks
    return Playlist(content)


def _track(location: str, said: Mapping[str, str], index: int, reading: Reading) -> dict[str, Any]:
    track: dict[str, Any] = {"album": said.get("#EXTALB")}
    shown = ""
    if match := _EXTINF.fullmatch(said.get("#EXTINF", "")):
        shown = match[3].strip()
        if match[1] and not match[1].startswith("-"):
            try:
                track["duration_ms"] = milliseconds(float(match[1]) * 1000)
            except ValueError as error:
                reading.skip(str(error), index, "duration_ms")
    elif "#EXTINF" in said:
        shown = said["#EXTINF"]
    named = bool(shown)
    if not named:
        shown = _title(location)
    track |= _names(shown, said.get("#EXTART"))
    if location != file_name(track):
        track["uri"] = location
        track["provider_ids"] = provider_ids([location])
    return without_empty(track)


def _names(shown: str, artist: str | None) -> dict[str, Any]:
    """Artist and title out of what is shown, and of the artist where that is said."""
    if artist is not None:
        if not artist:
            return {"track": shown}
        if shown == artist:
            return {"artist": artist}
        if shown.startswith(artist + _SEPARATOR):
            return {"artist": artist, "track": shown.removeprefix(artist + _SEPARATOR).strip()}
    first, separator, second = shown.partition(_SEPARATOR)
    if not separator:
        return {"artist": artist, "track": shown}
    names = {"artist": first.strip(), "track": second.strip()}
    # By the letter the directive names the album's artist.
    return names | ({"album_artist": artist} if artist else {})


def _title(location: str) -> str:
    """What a file's name says of it; nothing for a URI that isn't a path."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    if parts.scheme and not parts.netloc and parts.scheme != "file" and len(parts.scheme) > 1:
        return ""
    path = unquote(parts.path) if len(parts.scheme) > 1 else location
    return PurePosixPath(path.replace("\\", "/")).stem


def file_name(track: Mapping[str, Any]) -> str:
    """A file's name made of a track's names, for players that want one."""
    names = [_one_line(track.get(key)) for key in ("artist", "track")]
    return _NOT_IN_FILE_NAMES.sub("_", _SEPARATOR.join(filter(None, names))) + ".mp3"


def write(one: Playlist, stream: BinaryIO) -> None:
    lines = ["#EXTM3U"]
    if name := _one_line(one.content.get("name")):
        lines.append(f"#PLAYLIST:{name}")
    for track in one.content.get("tracks") or []:
        artist, title, album, uri = (
            _one_line(track.get(key)) for key in ("artist", "track", "album", "uri")
        )
        shown = _SEPARATOR.join(name for name in (artist, title) if name)
        lines.append(f"#EXTINF:{_seconds(track.get('duration_ms'))},{shown}")
        lines.append(f"#EXTART:{artist}")
        if album:
            lines.append(f"#EXTALB:{album}")
        lines.append(uri if uri and not uri.startswith("#") else file_name(track))
    stream.write("\n".join([*lines, ""]).encode())


def _one_line(value: Any) -> str:
    return _LINE_END.sub(" ", value).strip() if isinstance(value, str) else ""


def _seconds(duration: Any) -> str:
    if not isinstance(duration, int) or isinstance(duration, bool) or duration < 0:
        return "-1"
    seconds, rest = divmod(duration, 1000)
    return f"{seconds}.{rest:03}" if rest else str(seconds)
