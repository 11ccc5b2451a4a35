"""The embedded server's life, with real processes and servers of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
import pytest

from vibomat.embedded import server
from vibomat.embedded.server import Server, ServerError

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20

USER = """
import sys
from pathlib import Path
from vibomat.embedded.server import Server
print(Server(Path(sys.argv[1]), durable=sys.argv[2] == "durable").start(), flush=True)
sys.stdin.read()
"""
FORKING_USER = """
import os, sys
from pathlib import Path
from vibomat.embedded.server import Server
print(Server(Path(sys.argv[1]), durable=False).start(), flush=True)
if os.fork():
    os._exit(0)
sys.stdin.read()
"""
# Tells what it sees when a forked child has ended in the ordinary way, atexit functions and all.
PARENT = """
import os, sys
from pathlib import Path
from vibomat.embedded.server import Server
server = Server(Path(sys.argv[1]), durable=False)
server.start()
if not os.fork():
    sys.exit()
os.wait()
print(server.is_running(), flush=True)
"""


class User:
    """A process that uses the server in `folder` until it is told to leave, or killed."""

    def __init__(
        self, folder: Path, script: str = USER, durable: bool = False, stderr: int | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(folder), "durable" if durable else "throwaway"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def socket_folder(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def execute(socket_folder: str, *statements: str) -> list[Any]:
    with psycopg.connect(host=socket_folder, user="postgres", dbname="vibomat") as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def processes_of(folder: Path) -> list[psutil.Process]:
    """The postmaster and its children, and the process that waits to stop them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(
                str(folder) in part for part in process.cmdline()
            ):
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def kill_everything(folder: Path) -> None:
    # The user, which is the oldest, last: the one that waits for its end would stop the server.
    for process in reversed(processes_of(folder)):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    wait_until(lambda: not processes_of(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "my data" / "postgres"
    yield folder
    wait_until(lambda: not processes_of(folder))


def test_first_user_starts_it_and_the_last_one_out_stops_it(folder: Path) -> None:
    first = User(folder)
    socket_folder = first.socket_folder()
    second = User(folder)
    assert second.socket_folder() == socket_folder
    first.leave()
    assert execute(socket_folder, "SELECT 1") == [(1,)]
    second.leave()
    assert not Server(folder).is_running()


def test_it_listens_on_no_network_port_and_is_open_to_its_user_only(folder: Path) -> None:
    user = User(folder)
    socket_folder = user.socket_folder()
    assert execute(socket_folder, "SHOW listen_addresses") == [("",)]
    assert folder.stat().st_mode & 0o077 == 0
    user.leave()


def test_it_knows_the_letters_of_every_script(folder: Path) -> None:
    user = User(folder)
    query = "SELECT lower('ÀÉ'), 'Ц' ~ '[[:alpha:]]', current_setting('server_encoding')"
    assert execute(user.socket_folder(), query) == [("àé", True, "UTF8")]
    user.leave()


def test_it_is_stopped_when_all_users_were_killed(folder: Path) -> None:
    users = [User(folder), User(folder)]
    for user in users:
        user.socket_folder()
    for user in users:
        user.kill()
    wait_until(lambda: not Server(folder).is_running())


def test_a_forked_child_that_ends_leaves_it_to_the_parent(folder: Path) -> None:
    assert User(folder, PARENT).socket_folder() == "True"


def test_a_forked_child_keeps_it_when_the_parent_ends(folder: Path) -> None:
    user = User(folder, FORKING_USER)
    socket_folder = user.socket_folder()
    user.process.wait()
    visitor = User(folder)
    visitor.socket_folder()
    visitor.leave()
    assert execute(socket_folder, "SELECT 1") == [(1,)]
    user.leave()
    wait_until(lambda: not Server(folder).is_running())


def test_what_was_committed_survives_the_killing_of_everything(folder: Path) -> None:
    user = User(folder, durable=True)
    execute(user.socket_folder(), "CREATE TABLE kept AS SELECT 42 AS n")
    user.process.kill()
    kill_everything(folder)
    user.process.wait()
    after = User(folder, durable=True)
    assert execute(after.socket_folder(), "SELECT n FROM kept") == [(42,)]
    after.leave()


# Is not patient at all.
NOTICING_USER = USER.replace(
    "import Server\n",
    "import Server\nfrom vibomat.embedded import server\nserver.NOTICE_AFTER_SECONDS = 0\n",
)


def test_a_start_is_said_to_recover_only_after_a_crash(folder: Path) -> None:
    for crashed, told in ((False, server.STARTING), (True, server.RECOVERING)):
        user = User(folder, NOTICING_USER, stderr=subprocess.PIPE)
        user.socket_folder()
        if not crashed:
            kill_everything(folder)
        _, errors = user.process.communicate()
        assert told in errors.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root opens folders to the server's user")
def test_root_tells_of_the_folders_that_it_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server._let_in(closed / "data")
    assert f"Letting other users pass through {closed}," in capsys.readouterr().err
    assert closed.stat().st_mode & 0o777 == 0o701
    server._let_in(closed / "data")
    assert capsys.readouterr().err == ""


def test_a_crashed_servers_pid_may_belong_to_another_process_now(folder: Path) -> None:
    user = User(folder)
    user.socket_folder()
    kill_everything(folder)
    user.process.wait()
    pid_file = folder / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    stranger = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
    after = User(folder)
    assert execute(after.socket_folder(), "SELECT 1") == [(1,)]
    after.leave()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_creation_that_was_killed_is_done_again(folder: Path) -> None:
    user = User(folder, durable=True)
    wait_until(lambda: any(folder.glob("new-*/*")))
    user.kill()
    assert not (folder / "cluster").exists()
    after = User(folder)
    assert execute(after.socket_folder(), "SELECT 1") == [(1,)]
    assert not [*folder.glob("new-*"), *folder.glob("old-*")]
    after.leave()


def test_a_slow_start_is_waited_for_and_outlives_who_began_it(folder: Path) -> None:
    user = User(folder)
    user.socket_folder()
    user.leave()
    # The server reads this file between making its pid file and being ready.
    access = folder / "cluster" / "pg_hba.conf"
    text = access.read_text()
    owner = access.stat()
    access.unlink()
    os.mkfifo(access)
    os.chown(access, owner.st_uid, owner.st_gid)

    first = User(folder)
    wait_until(Server(folder).is_running)
    second = User(folder)
    in_use = folder / "in-use"
    wait_until(lambda: in_use in [Path(f.path) for f in _files(second.process.pid)])
    first.kill()
    access.write_text(text)
    assert execute(second.socket_folder(), "SELECT 1") == [(1,)]
    second.leave()


def _files(pid: int) -> list[Any]:
    return psutil.Process(pid).open_files()


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / "postgres"
    user = User(folder)
    socket_folder = user.socket_folder()
    assert not Path(socket_folder).is_relative_to(tmp_path)
    assert Path(socket_folder).stat().st_mode & 0o077 == 0
    assert execute(socket_folder, "SELECT 1") == [(1,)]
    user.leave()
    Path(socket_folder).rmdir()


def test_data_of_another_major_version_is_left_alone(folder: Path) -> None:
    (folder / "cluster").mkdir(parents=True)
    (folder / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match=r"is PostgreSQL 17's and this is 18"):
        Server(folder).start()


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match=r"Set DATA_DIR .* or DATABASE_URL") as raised:
        Server(tmp_path / "file" / "postgres").start()
    assert "\n" not in str(raised.value)


def test_a_server_that_cannot_start_is_said_with_its_reason(folder: Path) -> None:
    user = User(folder)
    user.socket_folder()
    user.leave()
    with (folder / "cluster" / "postgresql.conf").open("a") as file:
        file.write("\nshared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(ServerError, match="no_such_library"):
        Server(folder).start()


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATA_DIR": str(data), "DATABASE_URL": "", "DEBUG": "true"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("arguments", [["help"], ["check"], ["diffsettings"]])
def test_commands_without_a_connection_start_nothing(tmp_path: Path, arguments: list[str]) -> None:
    done = manage(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "postgres").exists()


def test_dbshell_is_a_user_too(tmp_path: Path) -> None:
    done = manage(tmp_path, "dbshell", "--", "-Atc", "SELECT current_database()")
    assert done.stdout == "vibomat\n", done.stderr
    assert not Server(tmp_path / "postgres").is_running()


def test_a_command_without_its_database_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    done = manage(tmp_path, "migrate", "--skip-checks")
    assert done.returncode == 1
    assert done.stderr.startswith("OperationalError: Can't run the embedded PostgreSQL in ")
    assert done.stderr.count("\n") == 1


def test_signals_of_the_terminal_do_not_reach_the_server(folder: Path) -> None:
    user = User(folder)
    user.socket_folder()
    postmaster = next(p for p in processes_of(folder) if p.name() == "postgres")
    assert os.getsid(postmaster.pid) != os.getsid(user.process.pid)
    user.process.send_signal(signal.SIGINT)
    user.process.wait()
    wait_until(lambda: not Server(folder).is_running())


@pytest.mark.parametrize(
    ("limit", "megabytes"),
    [("max\n", 4096), (f"{2**31}\n", 512), (f"{2**20}\n", 128), (f"{2**63 - 4096}\n", 4096)],
)
def test_buffers_are_a_quarter_of_the_memory_that_a_container_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, megabytes: int
) -> None:
    (tmp_path / "memory.max").write_text(limit)
    limits = (tmp_path / "absent", tmp_path / "memory.max")
    monkeypatch.setattr(server, "MEMORY_LIMITS", limits)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**34))
    assert server.shared_buffers_mb() == megabytes
