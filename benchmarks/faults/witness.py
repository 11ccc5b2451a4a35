"""Somebody who writes beside the work, and remembers what the database acknowledged."""

import threading
from typing import Self

import psycopg

from benchmarks.faults.site import Site

# Of every site that is broken.
TABLE = "CREATE TABLE acknowledged (n int PRIMARY KEY)"
WRITE = "INSERT INTO acknowledged VALUES (%s)"
MISSING = (
    "SELECT count(*) FROM generate_series(1, %s) AS n WHERE n NOT IN (SELECT n FROM acknowledged)"
)


class Witness:
    """Inside the block it writes a row after the other, until its connection breaks."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.acknowledged = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, name="witness")

    def lost(self) -> int:
        """How many of the acknowledged rows are gone."""
        return int(self.site.execute(MISSING, [self.acknowledged])[0][0])

    def _write(self) -> None:
        try:
            with self.site.connect() as connection:
                while not self._stop.wait(0.005):
                    connection.execute(WRITE, [self.acknowledged + 1])
                    self.acknowledged += 1
        except psycopg.OperationalError:
            return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
