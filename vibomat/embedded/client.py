"""`manage.py dbshell` on the embedded server, with the psql that comes with it."""

import os
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from django.db.backends.postgresql import client

from .server import psql_path

if TYPE_CHECKING:
    from .base import DatabaseWrapper


class DatabaseClient(client.DatabaseClient):
    def runshell(self, parameters: Iterable[str]) -> None:
        connection = cast("DatabaseWrapper", self.connection)
        settings = {**connection.settings_dict, "HOST": connection.start_server()}
        (_, *args), env = self.settings_to_cmd_args_env(settings, list(parameters))
        subprocess.run([psql_path(), *args], env={**os.environ, **(env or {})}, check=True)
