"""What every format is read into and written from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VISIBILITIES = ("private", "unlisted", "public")


class FormatError(Exception):
    """A file that can't be read, or not further, or a playlist that can't be written.

    The message is one line that names the place.
    """


@dataclass(frozen=True)
class Playlist:
    """A playlist as a file tells it.

    `content` is an archive's content: `name`, `description`, `tracks`, `metadata`, and whatever
    else the file says. `visibility` is one of `VISIBILITIES`, or None where the file doesn't say.
    `provider_id` is its id at `provider`. `created` has a time zone. `index` is its place in the
    file, counted from 0 with those that were skipped.
    """

    content: Mapping[str, Any]
    visibility: str | None = None
    provider: str = ""
    provider_id: str = ""
    created: datetime | None = None
    index: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Skipped:
    """A playlist, a track of one, or a value in them that was left out, and why.

    `playlist` and `track` count from 0 as the file does. Without a track it is about the whole
    playlist; with a `field`, only about that value.
    """

    playlist: int
    reason: str
    track: int | None = None
    field: str = ""

    @property
    def is_playlist(self) -> bool:
        return self.track is None and not self.field

    @property
    def is_track(self) -> bool:
        return self.track is not None and not self.field

    def __str__(self) -> str:
        place = f"playlist {self.playlist}"
        if self.track is not None:
            place += f", track {self.track}"
        if self.field:
            place += f", {self.field}"
        return f"{place}: {self.reason}"


class Reading:
    """A playlist that is being read: its place in the file, and what was left out of it so far."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.skipped: list[Skipped] = []

    def skip(self, reason: str, track: int | None = None, field: str = "") -> None:
        self.skipped.append(Skipped(self.index, reason, track, field))
