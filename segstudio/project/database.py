"""The SQLite file of a project: connections, transactions and migrations.

One connection a thread, so that the window reads while a job writes (write-ahead log). Every change goes through
`Database.transaction`; the SQL itself lies in the module that asks the question.
"""

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import psutil
from filelock import FileLock

from segstudio.core.errors import NotAProject, ProjectTooNew, ReadOnlyProject, UserError
from segstudio.project.topics import Topic, Topics

APPLICATION_ID = 0x53656753
"""`SegS`, in the header of every project file."""

BUSY_SECONDS = 15.0
"""How long a writer waits for another one; transactions are short, so longer means that something hangs."""

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smbfs", "smb2", "smb3", "afpfs", "webdav", "9p", "fuse.sshfs", "fuse.rclone", "davfs"}
)
"""File systems without the shared memory between computers that the write-ahead log needs."""


class Migration(NamedTuple):
    """One step of the schema: its number becomes the file's `user_version`."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """The steps in `migrations/NNNN_name.sql`, in order; adding one is adding a file."""
    found = [file for file in (files("segstudio.project") / "migrations").iterdir() if file.name.endswith(".sql")]
    return sorted(Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8")) for file in found)


class Connection(sqlite3.Connection):
    """A thread's connection; `lock` is held while it is in use, so that `Database.close` never pulls it away."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lock = threading.RLock()


@dataclass
class _Level:
    """One open transaction, or one inside another."""

    topics: set[Topic]
    afterwards: list[Callable[[], object]]


class _Local(threading.local):
    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.levels: list[_Level] = []


class Database:
    """One project file, usable from several threads.

    Attributes:
        path: The file.
        read_only: Whether changes are refused.
        read_only_reason: Why, for the person.
        notes: What was out of the ordinary at opening, as sentences.
    """

    def __init__(self, path: Path, *, read_only_reason: str = "", steps: Sequence[Migration] | None = None) -> None:
        """Open an existing file and bring it to the newest schema.

        Args:
            path: The file.
            read_only_reason: Why it must not be changed; empty when it may.
            steps: All migrations in order; None takes those of the program.

        Raises:
            NotAProject: When there is no such file or it is something else.
            ProjectTooNew: When a later version of the program wrote it.
            UserError: When it is damaged, or old and read-only.
        """
        self.path = path
        self.read_only_reason = read_only_reason
        self.notes: list[str] = []
        self._local = _Local()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._is_closed = False
        self._journal_mode = "wal"
        if not path.is_file():
            raise NotAProject(f"{path.parent} is not a SegStudio project", "it has no file project.sqlite")
        try:
            with explained(path):
                self._check_identity()
                if not self.read_only:
                    self._choose_journal()
                self._bring_up_to_date(migrations() if steps is None else steps)
        except BaseException:
            self.close()
            raise

    @property
    def read_only(self) -> bool:
        """Whether changes are refused."""
        return bool(self.read_only_reason)

    @classmethod
    def create(cls, path: Path) -> "Database":
        """Make an empty file of the newest schema."""
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        finally:
            connection.close()
        return cls(path)

    def connection(self) -> Connection:
        """The calling thread's connection, for what the other methods do not offer."""
        if self._local.connection is None:
            self._local.connection = self._connect()
        if self._is_closed:
            raise RuntimeError(f"{self.path} has been closed")
        return self._local.connection

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[Connection]:
        """The calling thread's connection, which stays open until the end of the block."""
        with self.connection().lock, explained(self.path):
            yield self.connection()

    def rows(self, sql: str, parameters: Any = ()) -> list[Any]:
        """All rows of a question."""
        with self._in_use() as connection:
            return connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Any = ()) -> Any:
        """The first row, or None."""
        with self._in_use() as connection:
            return connection.execute(sql, parameters).fetchone()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Several reads that see one and the same state."""
        with self._in_use() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # an error of the disk may have ended it
                    connection.execute("ROLLBACK")

    @property
    def is_in_transaction(self) -> bool:
        """Whether the calling thread has changes that are not committed."""
        return bool(self._local.levels)

    def after_commit(self, act: Callable[[], object]) -> None:
        """Do something once the calling thread's transaction is committed, and not when it is taken back."""
        self._local.levels[-1].afterwards.append(act)

    @contextlib.contextmanager
    def transaction(self, topics: Iterable[Topic], emit: Callable[[Topics], object]) -> Iterator[Connection]:
        """Changes that happen together or not at all; one inside another joins it.

        Args:
            topics: What changes.
            emit: Called once after the outermost commit, with the topics of all of them.

        Raises:
            ReadOnlyProject: When changes are refused.
            UserError: When the disk is full, or another process keeps the file busy.
        """
        if self.read_only:
            raise ReadOnlyProject(f"the project is open for reading only: {self.read_only_reason}")
        levels = self._local.levels
        depth = len(levels)
        with self._in_use() as connection:
            # BEGIN IMMEDIATE waits for other writers now, instead of failing at the first change.
            connection.execute(f"SAVEPOINT level_{depth}" if depth else "BEGIN IMMEDIATE")
            levels.append(_Level(set(topics), []))
            try:
                yield connection
                connection.execute(f"RELEASE level_{depth}" if depth else "COMMIT")
            except BaseException:
                levels.pop()
                if connection.in_transaction:  # a full disk may have rolled back already
                    connection.execute(f"ROLLBACK TO level_{depth}" if depth else "ROLLBACK")
                raise
        done = levels.pop()
        if depth:
            levels[-1].topics |= done.topics
            levels[-1].afterwards += done.afterwards
            return
        for act in done.afterwards:
            act()
        if done.topics:
            emit(frozenset(done.topics))

    def close(self) -> None:
        """Close every thread's connection, after what it is doing; harmless if twice."""
        self._is_closed = True
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with connection.lock:
                connection.close()

    def _connect(self) -> Connection:
        # check_same_thread is off only so that close() can reach the connections of other threads.
        connection = sqlite3.connect(
            self._uri(), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False,
            factory=Connection,
        )  # fmt: skip
        connection.execute("PRAGMA foreign_keys = ON")
        # In the write-ahead log NORMAL never damages the file; without it FULL is needed for that.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if self._journal_mode == 'wal' else 'FULL'}")
        if self.read_only:
            connection.execute("PRAGMA query_only = ON")
        with self._lock:
            self._connections.add(connection)
        return connection

    def _uri(self) -> str:
        uri = sqlite_uri(self.path.absolute())
        if not self.read_only or os.access(self.path.parent, os.W_OK):
            return f"{uri}?mode=rw"
        # On a read-only disk the log cannot be opened; when there is none, the file is all and cannot change.
        has_log = self.path.with_name(self.path.name + "-wal").exists()
        return f"{uri}?mode=ro" if has_log else f"{uri}?mode=ro&immutable=1"

    def _check_identity(self) -> None:
        """Raise NotAProject unless the file is an SQLite file with our application id.

        SQLite alone opens it, and nobody reads its header as a plain file: closing a file takes away all locks that
        this process holds on it (POSIX), also those of connections that are open. Another process would then think
        itself alone at its end, and delete the log that is still written here.
        """
        try:
            identity = self.connection().execute("PRAGMA application_id").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_NOTADB:
                raise
            identity = None
        if identity != APPLICATION_ID:
            raise NotAProject(
                f"{self.path} is not the index of a SegStudio project, or it is damaged",
                f"if this was one, `segstudio check --rebuild {self.path.parent}` makes the index anew from the files",
            )

    def _choose_journal(self) -> None:
        wanted = "delete" if is_network_drive(self.path) else "wal"
        connection = self.connection()
        try:
            mode = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        except sqlite3.OperationalError:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        self._journal_mode = mode
        if mode != "wal":
            self.notes.append("the project lies on a network drive: saving may wait while a job writes")
            connection.execute("PRAGMA synchronous = FULL")

    def _bring_up_to_date(self, steps: Sequence[Migration]) -> None:
        version = self._version()
        if version > steps[-1].number:
            raise ProjectTooNew(
                f"{self.path.parent} was written by a later version of SegStudio (schema {version})",
                "install the newest version",
            )
        if version == steps[-1].number:
            return
        if self.read_only:
            raise UserError(
                f"{self.path.parent} was written by an older version of SegStudio and cannot be brought up to date: "
                f"{self.read_only_reason}",
                "open it once where it can be written",
            )
        if not version:  # just created, nobody else knows of it
            self._apply(steps)
            return
        with FileLock(self.path.with_name(".lock-migration"), timeout=BUSY_SECONDS):
            version = self._version()
            back_up(self.connection(), self.path.with_name(f"{self.path.name}.schema-{version:04}"))
            self._apply([step for step in steps if step.number > version])

    def _apply(self, steps: Sequence[Migration]) -> None:
        for step in steps:
            apply(self.connection(), step)

    def _version(self) -> int:
        return int(self.connection().execute("PRAGMA user_version").fetchone()[0])


def sqlite_uri(path: PurePath) -> str:
    """The URI by which SQLite opens an absolute path."""
    uri = path.as_uri()
    # A share of Windows, \\server\share, becomes file://server/share; SQLite takes no server there, but its path.
    return uri if uri.startswith("file:///") else uri.replace("file://", "file:////", 1)


def apply(connection: sqlite3.Connection, step: Migration) -> None:
    """Run one step in one transaction; after a failure the file is as it was before.

    Raises:
        sqlite3.Error: When a statement fails or leaves a reference to nothing; a bug in the step.
    """
    connection.execute("PRAGMA foreign_keys = OFF")  # a step may rebuild a table that others refer to
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(step.sql):
            connection.execute(statement)
        if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError(f"{step.name} leaves a reference to nothing: {tuple(broken)}")
        connection.execute(f"PRAGMA user_version = {step.number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def statements(sql: str) -> Iterator[str]:
    """The statements of a script (`executescript` would commit the transaction around it)."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the file as it is now, log included, to `path`."""
    path.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(path),))


def is_network_drive(path: Path) -> bool:
    """Whether the file lies on another computer, as far as the system tells."""
    path = path.absolute()
    if str(path).startswith("\\\\"):
        return True
    best, answer = -1, False
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if path.is_relative_to(mount) and len(mount.parts) > best:
            best = len(mount.parts)
            answer = partition.fstype.lower() in NETWORK_FILE_SYSTEMS or "remote" in partition.opts.split(",")
    return answer


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what is the world's fault in SQLite's errors into a UserError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = _EXPLANATIONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if said is None:
            raise
        raise UserError(f"{path}: {said[0]}", said[1].format(folder=path.parent)) from error


_EXPLANATIONS = {
    sqlite3.SQLITE_BUSY: ("another program keeps the project busy", "close it, or try again in a moment"),
    sqlite3.SQLITE_LOCKED: ("another program keeps the project busy", "close it, or try again in a moment"),
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; nothing was changed"),
    sqlite3.SQLITE_IOERR: ("the disk does not answer as it should", "check the drive"),
    sqlite3.SQLITE_CANTOPEN: ("the file cannot be opened", "check the permissions of the folder"),
    sqlite3.SQLITE_READONLY: ("the file is read-only", "check the permissions of the file and the folder"),
    sqlite3.SQLITE_CORRUPT: (
        "the index is damaged",
        "`segstudio check --rebuild {folder}` makes it anew from the files",
    ),
    sqlite3.SQLITE_NOTADB: (
        "the index is damaged",
        "`segstudio check --rebuild {folder}` makes it anew from the files",
    ),
}
