"""Make an access token for a user."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from vibomat.accounts.models import AccessToken, User
from vibomat.accounts.tokens import MOST_DAYS


class Command(BaseCommand):
    help = "Make an access token for a user and print it; it can't be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose token it is")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument(
            "--days", type=int, help="days until it expires; otherwise the setting TOKEN_DAYS"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}.")
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist as error:
            raise CommandError(
                f"There is no user {options['email']!r}: run manage.py createsuperuser, or add one "
                "in the admin."
            ) from error
        if not user.is_active:
            raise CommandError(f"{user.email} is not active: activate the user first.")
        try:
            _, secret = AccessToken.objects.issue(user, options["name"], days)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(secret)
