"""Creating users, and finding one by e-mail whatever the case it is typed in."""

from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import BaseUserManager
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Lower

from .validators import validate_text

if TYPE_CHECKING:
    from .models import User


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password, one who cannot log in by password.

        ValidationError tells which field is wrong, an e-mail address already in use included.
        """
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        try:
            with transaction.atomic(using=self.db):
                user.save(using=self.db, force_insert=True)
        except IntegrityError:
            # Somebody else took the address or the handle after the check above.
            user.validate_unique()
            user.validate_constraints()
            raise
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a verified user who may do everything in the admin."""
        granted = {"is_staff": True, "is_superuser": True, "is_verified": True}
        for name in ("is_staff", "is_superuser"):
            if fields.get(name) is False:
                raise ValueError(f"A superuser needs {name}.")
        return self.create_user(email, password, **granted | fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with that e-mail, whatever its case; User.DoesNotExist if there is none."""
        try:
            validate_text(username or "")
        except ValidationError as error:
            raise self.model.DoesNotExist from error
        return self.alias(lowered=Lower("email")).get(lowered=Lower(Value(username or "")))

    async def aget_by_natural_key(self, username: str | None) -> "User":
        return await sync_to_async(self.get_by_natural_key)(username)
