"""ETag, If-Match and If-None-Match (RFC 9110) over an archive's revision.

A revision's tag is `"7"`. Who writes says what they have read: without `If-Match` a write is
refused with 428, with another revision's tag with 412. `If-Match: *` is a write over whatever
there is.
"""

from django.utils.http import parse_etags
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from archives.api.errors import PreconditionFailed, PreconditionRequired
from archives.models import Archive


def etag(archive: Archive) -> str:
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
    tag = etag(archive)
    if f"W/{tag}" in tags and tag not in tags:
        # Proxies that compress make tags weak. Reading again would give the same one.
        raise PreconditionFailed(f"If-Match compares no weak tags: send {tag} without the W/.")
    if tag not in tags:
        raise PreconditionFailed
    return False


def is_unchanged(request: Request, archive: Archive) -> bool:
    """Whether the reader has this revision already."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return tags == ["*"] or any(tag.removeprefix("W/") == etag(archive) for tag in tags)
