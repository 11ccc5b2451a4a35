"""A site to break: a folder with a database server of its own, and the programs that run on it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
from django.conf import settings

from benchmarks.serving import NEVER_TOO_MANY
from vibomat.embedded.server import DATABASE, RECOVERING, SUPERUSER, Server

PATIENCE_SECONDS = 300.0
# The sessions of a command, by the name that it gives them.
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"


class Site:
    """The site whose data is in the folder, its server run by the embedded engine.

    This process is one of the server's users from the first statement until `leave`, so the server
    runs between the programs too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "postgres")

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": "",
            "DEBUG": "true",
            "EMBEDDER": "hashing",
        }
        return {**os.environ, **own}

    @property
    def served(self) -> dict[str, str]:
        """What its web server has besides, to which `benchmarks.serving` adds production: requests
        are counted, as counting may fail too."""
        return {**self.environment, "THROTTLE_RATES": NEVER_TOO_MANY}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of manage.py, running."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """What a command of manage.py prints; RuntimeError if it fails."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)[:80]} failed: {err.strip()[-500:]}")
        return out

    def connect(self) -> "psycopg.Connection[Any]":
        """A session, as soon as the server gives one: it recovers for a moment when it lost one."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return psycopg.connect(
                    host=str(self.server.start()), user=SUPERUSER, dbname=DATABASE, autocommit=True
                )
            except psycopg.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def sessions(self, command: str) -> list[int]:
        return [pid for (pid,) in self.execute(SESSIONS, [f"vibomat:{command}"])]

    def wait_for_session(self, process: "subprocess.Popen[str]", command: str) -> bool:
        """Wait until the command uses the database; whether it still runs then."""
        while process.poll() is None:
            if self.sessions(command):
                return True
            time.sleep(0.005)
        return False

    def kill_server(self) -> None:
        """SIGKILL to every process of the server."""
        processes = self.server.processes()
        if processes:
            # Or it could make one more between the look at them and their end, which would then
            # wait forever for what a killed one had locked.
            main = processes[0]
            main.suspend()
            _wait_until(lambda: main.status() == psutil.STATUS_STOPPED)
            processes = self.server.processes()
        for process in processes:
            _kill(process)
        _wait_for_end(processes)

    def kill_sessions(self, command: str) -> None:
        """SIGKILL to the command's sessions, upon which the server ends all others and recovers."""
        for pid in self.sessions(command):
            _kill(psutil.Process(pid))

    def restart_server(self) -> None:
        """A fast shutdown, as of an upgrade, and a start."""
        processes = self.server.processes()
        if processes:
            processes[0].send_signal(signal.SIGINT)
            _wait_for_end(processes)
        self.server.start()

    def leave(self) -> None:
        """Use the server no more; it ends if nobody else does."""
        self.server.leave()

    def copy(self, folder: Path) -> "Site":
        """Another site with what this one has."""
        self.leave()
        # Not shutil.copytree(), which gives all to whoever copies.
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        return Site(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()
        shutil.rmtree(self.folder)


def complaints(err: str) -> list[str]:
    """The lines a command wrote to standard error, but for that it waits for the server."""
    return [line for line in err.splitlines() if line != RECOVERING]


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _wait_for_end(processes: list[psutil.Process]) -> None:
    # Not psutil's own wait, for which one that its parent has not reaped still runs.
    _wait_until(lambda: not any(_is_alive(process) for process in processes))


def _wait_until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > give_up:
            raise RuntimeError("The server does not stop.")
        time.sleep(0.005)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
