"""Test databases live on a server of their own, beside the user's data and never in it."""

from typing import Any

from django.db.backends.postgresql import creation


class DatabaseCreation(creation.DatabaseCreation):
    def create_test_db(self, *args: Any, **kwargs: Any) -> str:
        self.connection.close()
        settings = self.connection.settings_dict
        settings["OPTIONS"] |= {"folder": settings["TEST"]["FOLDER"], "durable": False}
        return super().create_test_db(*args, **kwargs)
