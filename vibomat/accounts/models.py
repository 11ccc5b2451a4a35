import uuid

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from knox.models import AbstractAuthToken

from .managers import UserManager
from .tokens import AccessTokenManager
from .validators import validate_list, validate_text

SHORT_TEXT = [MaxLengthValidator(255)]

VALIDATORS = {
    "email": validate_text,
    "handle": validate_text,
    "first_name": validate_text,
    "last_name": validate_text,
    "favorite_artists": validate_list,
    "unskippable_albums": validate_list,
}


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """A person, who logs in with an e-mail address in any case.

    Names and handle have no length in the database, where older ones may be longer than a new
    one is allowed to be, and are null where the person gave none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        "e-mail address",
        max_length=320,
        unique=True,
        error_messages={"unique": "A user with this e-mail address already exists."},
    )
    # The older Vibomat's hashes have up to 1,024 characters, and get Django's prefix.
    password = models.CharField(max_length=1100)
    handle = models.CharField(
        null=True,
        blank=True,
        unique=True,
        validators=SHORT_TEXT,
        error_messages={"unique": "A user with this handle already exists."},
    )
    first_name = models.CharField(null=True, blank=True, validators=SHORT_TEXT)  # noqa: DJ001
    last_name = models.CharField(null=True, blank=True, validators=SHORT_TEXT)  # noqa: DJ001
    is_public = models.BooleanField(
        "public", default=True, help_text="Others may see this profile."
    )
    favorite_artists = models.JSONField(default=list, blank=True)
    unskippable_albums = models.JSONField(default=list, blank=True)
    is_verified = models.BooleanField(
        "verified", default=False, help_text="The e-mail address has been shown to be theirs."
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Unselect this instead of deleting a user."
    )
    is_staff = models.BooleanField(
        "staff status", default=False, help_text="May log in to this admin site."
    )
    date_joined = models.DateTimeField(
        null=True,
        blank=True,
        default=timezone.now,
        help_text="Unknown for those who joined the older Vibomat.",
    )

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "user"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_lower_unique",
                violation_error_message="A user with this e-mail address already exists.",
            )
        ]

    def clean(self) -> None:
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)
        for name in ("favorite_artists", "unskippable_albums"):
            if getattr(self, name) is None:
                setattr(self, name, [])
        errors: dict[str, ValidationError] = {}
        # Not as the fields' validators: migrations would import them from here.
        for name, validate in VALIDATORS.items():
            value = getattr(self, name)
            try:
                if value is not None:
                    validate(value)
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)

    def get_full_name(self) -> str:
        return " ".join(name for name in (self.first_name, self.last_name) if name)

    def get_short_name(self) -> str:
        return self.first_name or self.handle or self.email

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password; no password is that of a malformed hash."""
        try:
            return super().check_password(raw_password)
        except (ValueError, IndexError):
            return False

    async def acheck_password(self, raw_password: str | None) -> bool:
        try:
            return await super().acheck_password(raw_password)
        except (ValueError, IndexError):
            return False


class AccessToken(AbstractAuthToken):  # type: ignore[misc]
    """What a program logs in with, until it expires or is deleted. `name` tells its owner which
    program that is; the secret itself is stored nowhere.

    django-rest-knox's token, in a table from before it: hence the names of columns, and an empty
    `token_key` of a token that is older.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(blank=True, default="", max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    token_key = models.CharField(max_length=25, default="", db_default="", editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    expiry = models.DateTimeField("expires", null=True, blank=True, db_column="expires")
    last_used = models.DateTimeField(null=True, editable=False)

    objects = AccessTokenManager()

    class Meta:
        db_table = "access_token"
        indexes = [models.Index("token_key", name="access_token_key")]

    def __str__(self) -> str:
        return self.name or str(self.pk)

    def clean(self) -> None:
        super().clean()
        try:
            validate_text(self.name)
        except ValidationError as error:
            raise ValidationError({"name": error}) from error
