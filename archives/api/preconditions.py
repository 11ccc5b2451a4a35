"""ETag, If-Match and If-None-Match (RFC 9110).

A tag is `"7.c0ffee00"`: an archive's revision, and a hash of what its answer shows of its owner and
its source. Who writes says which revision they have read, by the tag or `"7"`: without `If-Match` a
write is refused with 428, with another revision's tag with 412. `If-Match: *` is a write over
whatever there is.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from django.utils.http import parse_etags
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from archives.api.errors import PreconditionFailed, PreconditionRequired
from archives.models import Archive


def etag(answer: Mapping[str, Any]) -> str:
    """The tag of an archive as it is answered. Its owner may hide their handle, and its source be
    made private, without a new revision."""
    others = json.dumps([answer["owner"], answer["derived_from"]])
    return f'"{answer["revision"]}.{crc32(others.encode()):08x}"'


def revision_tag(archive: Archive) -> str:
    return f'"{archive.revision}"'


def may_write_over_any(request: Request, archive: Archive, *, required: bool = True) -> bool:
    """Check If-Match; whether it allows to write over any revision, not only the one read."""
    header = request.headers.get("If-Match")
    if header is None:
        if required:
            raise PreconditionRequired
        return True
    tags = parse_etags(header)
    if not tags:
        raise ValidationError({"If-Match": ['Enter an ETag such as "7", or *.']})
    if tags == ["*"]:
        return True
    if any(_revision(tag) == revision_tag(archive) for tag in tags):
        return False
    for tag in tags:
        # Proxies that compress make tags weak. Reading again would give the same one.
        strong = tag.removeprefix("W/")
        if _revision(strong) == revision_tag(archive):
            raise PreconditionFailed(
                f"If-Match compares no weak tags: send {strong} without the W/."
            )
    raise PreconditionFailed


def _revision(tag: str) -> str:
    """The tag of the revision only."""
    return re.sub(r"\..*", '"', tag)


def is_unchanged(request: Request, tag: str) -> bool:
    """Whether the reader has what has this tag already."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return tags == ["*"] or any(known.removeprefix("W/") == tag for known in tags)
