"""CSV as Exportify writes it (https://github.com/watsonbox/exportify): a row a track.

Columns without a place of their own in a track stay on it under their name in lower case:
`Album Release Date` is `album_release_date`. They are written again, as texts, also the optional
ones (genres, audio features, label). Artists stand in one text with commas between them, a
comma of a name's own behind a backslash. Cells are what they are: one that begins with `=` is not
changed, though a spreadsheet may take it for a formula.

It can't hold the playlist's name, description, metadata, visibility and ids, versions, other ids
than Spotify's (a Spotify URI always brings its id along in `provider_ids`), unknown keys, or a
backslash before a comma in an artist's name. Every file is one playlist.
"""

import csv
import io
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from archives.formats.playlist import FormatError, Playlist, Reading
from archives.formats.providers import provider_ids, spotify_uri
from archives.formats.source import PLAYLIST_LIMIT, Source
from archives.formats.values import LEFT_OUT, without_empty

COLUMNS = (
    "Track URI",
    "Track Name",
    "Artist URI(s)",
    "Artist Name(s)",
    "Album URI",
    "Album Name",
    "Album Artist URI(s)",
    "Album Artist Name(s)",
    "Album Release Date",
    "Album Image URL",
    "Disc Number",
    "Track Number",
    "Track Duration (ms)",
    "Track Preview URL",
    "Explicit",
    "Popularity",
    "ISRC",
    "Added By",
    "Added At",
)
OPTIONAL_COLUMNS = (
    "Artist Genres",
    "Genres",
    "Danceability",
    "Energy",
    "Key",
    "Loudness",
    "Mode",
    "Speechiness",
    "Acousticness",
    "Instrumentalness",
    "Liveness",
    "Valence",
    "Tempo",
    "Time Signature",
    "Album Genres",
    "Label",
    "Record Label",
    "Copyrights",
)
# Other names are those of Exportify's forks (https://exportify.net).
_KEYS = {
    "track uri": "uri",
    "spotify uri": "uri",
    "spotify id": "spotify_id",
    "track name": "track",
    "artist name(s)": "artist",
    "artist name": "artist",
    "album name": "album",
    "track duration (ms)": "duration_ms",
    "duration (ms)": "duration_ms",
}

# Of the whole process, hence once and for all: no cell is longer than the file it is in. The
# catalogue's readers limit their lines themselves.
csv.field_size_limit(PLAYLIST_LIMIT)


def is_header(line: str) -> bool:
    names = {name.strip(' "').casefold() for name in re.split("[,;\t]", line)}
    return "track name" in names and not names.isdisjoint(
        ("artist name(s)", "artist name", "track uri", "spotify id", "spotify uri")
    )


def key_of(column: str) -> str:
    """The key under which a track has what stands in a column."""
    name = column.strip().casefold()
    return _KEYS.get(name) or re.sub(r"\W+", "_", name.replace("(s)", "s")).strip("_")


def playlist(source: Source, reading: Reading) -> Playlist:
    table = source.whole_text()
    delimiter = max(",;\t", key=table.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(table, newline=""), delimiter=delimiter, strict=True)
    tracks: list[Any] = []
    header: list[str] | None = None
    try:
        for row in rows:
            if not any(row):
                continue
            if header is None:
                header = [key_of(column) for column in row]
                if not is_header(delimiter.join(row)):
                    raise source.error("is no CSV of Exportify: it has no column Track Name")
            elif len(row) != len(header):
                found = f"{len(row)} column{'s' * (len(row) != 1)}"
                reading.skip(f"has {found} where the header has {len(header)}", len(tracks))
                tracks.append(LEFT_OUT)
            else:
                tracks.append(_track(dict(zip(header, row, strict=True))))
    except csv.Error as error:
        raise FormatError(
            f"{source.name}, line {rows.line_num}: is no valid CSV ({error})."
        ) from error
    return Playlist({"tracks": tracks})


def _track(row: dict[str, str]) -> dict[str, Any]:
    track: dict[str, Any] = dict(row)
    track["artist"] = track.get("artist", "").replace("\\,", ",")
    if identifier := track.pop("spotify_id", ""):
        track["uri"] = track.get("uri") or f"spotify:track:{identifier}"
    track["provider_ids"] = provider_ids([track.get("uri", "")])
    return without_empty(track)


def write(one: Playlist, stream: BinaryIO) -> None:
    tracks = one.content.get("tracks") or []
    said = {key for track in tracks for key in track}
    columns = [*COLUMNS, *(column for column in OPTIONAL_COLUMNS if key_of(column) in said)]
    table = io.StringIO(newline="")
    rows = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow(columns)
    for track in tracks:
        rows.writerow([_cell(track, key_of(column)) for column in columns])
    stream.write(table.getvalue().encode())


def _cell(track: Mapping[str, Any], key: str) -> str:
    value = spotify_uri(track) if key == "uri" else track.get(key)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""
