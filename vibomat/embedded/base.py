"""The engine of the embedded server, which it starts for its first connection."""

from pathlib import Path
from typing import Any

from django.db.utils import OperationalError

from vibomat.postgresql import base

from .client import DatabaseClient
from .creation import DatabaseCreation
from .server import Server, ServerError


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects to the server in OPTIONS["folder"]; OPTIONS["durable"] is for tests to turn off."""

    client_class = DatabaseClient
    creation_class = DatabaseCreation

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.pop("folder")
        params.pop("durable", None)
        params["host"] = self.start_server()
        return params

    def start_server(self) -> str:
        """Start the server unless it runs; the folder of its socket."""
        options = self.settings_dict["OPTIONS"]
        server = Server(Path(options["folder"]), durable=options.get("durable", True))
        try:
            return str(server.start())
        except ServerError as error:
            raise OperationalError(str(error)) from error
