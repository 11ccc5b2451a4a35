"""Finding the user whom a command names."""

import uuid

from django.core.exceptions import ValidationError

from vibomat.accounts.models import User
from vibomat.accounts.validators import validate_text


class UnknownOwner(Exception):
    """There is no such user; the message is one line."""


def find_owner(who: str) -> User:
    """The user with that id, e-mail address (whatever its case) or handle."""
    try:
        validate_text(who)
        return User.objects.get(pk=uuid.UUID(who))
    except (ValidationError, ValueError, User.DoesNotExist):
        pass
    try:
        return User.objects.get_by_natural_key(who)
    except User.DoesNotExist:
        pass
    try:
        validate_text(who)
        return User.objects.get(handle=who)
    except (ValidationError, User.DoesNotExist) as error:
        raise UnknownOwner(
            f"There is no user with the e-mail address, handle or id {who!r}."
        ) from error
