"""Django's PostgreSQL engine, whose connections say in `application_name` what they work on.

Before a request first uses a connection that was open already, Django asks whether it still
answers. The statement that asks also gives the connection its name: it costs no further round trip,
and since everyone who comes to use a connection asks, no name outlives its request's turn.
PgBouncer knows of `application_name` and carries it to whichever server connection it hands out.
"""

from functools import partial
from typing import Any

import psycopg
from django.db.backends.postgresql import base, operations

from .application_name import application_name

APPLICATION = "vibomat"
SET_NAME = "SELECT pg_catalog.set_config('application_name', %s, false)"


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """What `connection.queries` and the log of statements say: of a prepared one, whose
        parameters the server puts in, its text without them."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """Needs CONN_HEALTH_CHECKS, which does the naming.

    OPTIONS["application_name"] is the application's part of the name, "vibomat" by default.
    """

    ops_class = DatabaseOperations

    @property
    def application(self) -> str:
        return str(self.settings_dict["OPTIONS"].get("application_name", APPLICATION))

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        # The pool opens connections for whoever comes, and names them when they are taken.
        is_pooled = bool(self.settings_dict["OPTIONS"].get("pool"))
        params["application_name"] = (
            self.application if is_pooled else application_name(self.application)
        )
        return params

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None and self.settings_dict["CONN_HEALTH_CHECKS"]:
            # Django gives the pool its check by itself and takes no other.
            pool._check = partial(name_connection, application=self.application)
        return pool

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        try:
            name_connection(self.connection, application=self.application)
        except psycopg.Error:
            return False
        return True


def name_connection(connection: "psycopg.Connection[Any]", *, application: str) -> None:
    """Name it after what this thread is busy with. Raises psycopg's error if it does not answer."""
    connection.execute(SET_NAME, [application_name(application)])
