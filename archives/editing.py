"""Changing an archive so that nobody's change is lost."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from archives.models import Archive


class StaleRevision(Exception):
    """The archive was changed since the revision that the change was made from."""


def change(archive: Archive, *, whatever_revision: bool = False, **values: Any) -> Archive:
    """The archive with these values, if it still has the revision, and the owner, that `archive`
    was read with; raise StaleRevision otherwise. The statement that writes checks it.

    `whatever_revision`: also if others changed its contents meanwhile; not if it went into the bin
    or came out of it. The values are not validated.
    """
    rows = Archive.objects.filter(
        pk=archive.pk, owner=archive.owner_id, deleted__isnull=archive.deleted is None
    )
    if not whatever_revision:
        rows = rows.filter(revision=archive.revision)
    with transaction.atomic():
        is_as_read = rows.update(**values) if values else rows.exists()
        if not is_as_read:
            raise StaleRevision
        return Archive.objects.select_related("owner").get(pk=archive.pk)


def soft_delete(archive: Archive, *, whatever_revision: bool = False) -> Archive:
    """Put the archive into its owner's bin."""
    return change(archive, whatever_revision=whatever_revision, deleted=Now())


def restore(archive: Archive, *, whatever_revision: bool = False) -> Archive:
    """Take the archive out of the bin."""
    return change(archive, whatever_revision=whatever_revision, deleted=None)
