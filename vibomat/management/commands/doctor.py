"""Whether everything is well, for a person: what `/health/ready/` checks, and what to do."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vibomat import readiness
from vibomat.readiness import Result


class Command(BaseCommand):
    help = "Check that everything is as it must be, and say what to do about what isn't."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--thorough", action="store_true", help="Also recount, which may take a minute."
        )

    def handle(self, *args: Any, thorough: bool, **options: Any) -> None:
        results = readiness.results(thorough=thorough)
        width = max(len(result.name) for result in results)
        for result in results:
            self._print(result, width)
        if troubled := [result.name for result in results if result.messages]:
            raise CommandError(f"Something is wrong: {', '.join(troubled)}.")

    def _print(self, result: Result, width: int) -> None:
        name = result.name.ljust(width)
        if not result.messages:
            style = self.style.SUCCESS if result.was_run else self.style.WARNING
            self.stdout.write(f"{name}  {style(str(result))}")
        for message in result.messages:
            style = self.style.ERROR if result.has_error else self.style.WARNING
            self.stdout.write(f"{name}  {style(message.msg)}")
            if message.hint:
                self.stdout.write(f"{' ' * width}  {message.hint}")
