"""A real PostgreSQL of our own, as it comes from Debian, in a directory of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg

PASSWORD = "a-secret-of-tests"
START_S = 30
STOP_S = 30

# Its background processes sleep, so that whatever syncs the log is the backend that commits.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = 60
shared_buffers = '16MB'
wal_writer_delay = '10s'
# After a crash it need not open every file to know that it is on the disk.
recovery_init_sync_method = 'syncfs'
"""
SHARED = "relay_shared"


@attrs.define(eq=False)
class PostgresServer:
    """It runs between `start` and `stop` or `crash`, as often as one likes."""

    directory: Path
    port: int = attrs.field(factory=lambda: _free_port())
    _process: subprocess.Popen[bytes] | None = None

    def make_database(self) -> str:
        """A new, empty database; its URL."""
        name = f"relay_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def empty_database(self) -> str:
        """The same one each time, with nothing in it; sooner there than a new one.  Its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [SHARED])
            if found.fetchone() is None:
                connection.execute(f"CREATE DATABASE {SHARED}".encode())
        with psycopg.connect(self.url(SHARED), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return self.url(SHARED)

    def url(self, database: str) -> str:
        return f"postgresql://relay:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the files of a server that has no database yet."""
        password = self.directory / "password"
        password.write_text(PASSWORD)
        data = self.directory / "data"
        data.mkdir(mode=0o700)
        for path in (self.directory, password, data):
            if owner := _owner():
                shutil.chown(path, owner, owner)
        self._run("initdb", "-D", data, "-U", "relay", "-A", "scram-sha-256", "--pwfile", password)
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)

    def start(self, *under: str) -> None:
        """Run it, by the command `under` if there is one, and return when it answers."""
        data = self.directory / "data"
        command = [*under, _program("postgres"), "-D", str(data), "-p", str(self.port)]
        command += ["-k", str(self.directory)]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stderr=log, stdout=log, user=_owner(), group=_owner()
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.directory / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Break every connection and leave nothing to be recovered."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End without a word to anybody; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            os.kill(int((self.directory / "data" / "postmaster.pid").read_text().split()[0]), how)
            self._process.wait(STOP_S)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: object) -> None:
        command = [_program(program), *map(str, arguments)]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=self.directory,
            user=_owner(),
            group=_owner(),
        )


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Make one, run it, and leave nothing of it."""
    with tempfile.TemporaryDirectory(prefix="relay-postgres-") as directory:
        server = PostgresServer(Path(directory))
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _owner() -> str | None:
    """PostgreSQL refuses to run as root; Debian's package comes with a user for it."""
    return "postgres" if os.geteuid() == 0 else None


def _program(name: str) -> str:
    """Debian keeps the server's programs out of PATH, in a directory for each version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, versions), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"`{name}` is missing: install Debian's package postgresql")
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
