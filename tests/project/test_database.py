"""One file, several threads and processes: transactions, migrations, and what is refused."""

import sqlite3
import threading
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from segstudio.core.errors import NotAProject, ProjectTooNew, ReadOnlyProject, UserError
from segstudio.project import database
from segstudio.project.database import Database, Migration, migrations, sqlite_uri, statements
from tests.project.processes import finish, start_python, wait_for_line

STORED = Path(__file__).parent / "stored_schemas"


def ignore(topics: frozenset[str]) -> None:
    """Nobody listens."""


@pytest.fixture
def index(tmp_path: Path) -> Database:
    made = Database.create(tmp_path / "project.sqlite")
    yield made
    made.close()


def settings(index: Database) -> dict[str, str]:
    return dict(index.rows("SELECT name, value FROM setting"))


def put(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT INTO setting VALUES (?, '1')", (name,))


def test_a_fresh_file_is_ours_and_newest_and_has_a_log(index: Database) -> None:
    assert index.row("PRAGMA application_id")[0] == database.APPLICATION_ID
    assert index.row("PRAGMA user_version")[0] == migrations()[-1].number
    assert index.row("PRAGMA journal_mode")[0] == "wal"
    assert index.row("PRAGMA foreign_keys")[0] == 1


OPENS = """
import sys
from pathlib import Path
from segstudio.project.database import Database

index = Database(Path(sys.argv[1]))
print(*sorted(name for name, in index.rows("SELECT name FROM setting")), flush=True)
index.close()
"""


def test_opening_a_file_twice_takes_no_lock_from_the_first(index: Database) -> None:
    """Otherwise another process at its end deletes the log that is still written here, and what is in it is lost."""
    with index.transaction((), ignore) as connection:
        put(connection, "before")
    Database(index.path).close()
    finish(start_python(OPENS, [index.path]))
    assert index.path.with_name("project.sqlite-wal").is_file()
    with index.transaction((), ignore) as connection:
        put(connection, "after")
    other = start_python(OPENS, [index.path])
    wait_for_line(other, "after before")
    finish(other)
    assert settings(index) == {"before": "1", "after": "1"}


def test_what_ended_a_snapshot_is_told_and_not_its_end(index: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="disk"), index.snapshot() as connection:  # noqa: PT012
        connection.execute("ROLLBACK")  # as SQLite does by itself when the disk fails
        raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\0" * 200])
def test_another_file_is_not_a_project(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "project.sqlite"
    path.write_bytes(content)
    with pytest.raises(NotAProject, match=r"project\.sqlite"):
        Database(path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "project.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE setting (name)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAProject):
        Database(path)
    assert path.read_bytes() == before


def test_a_project_of_a_later_version_is_refused(index: Database) -> None:
    index.connection().execute("PRAGMA user_version = 9999")
    index.close()
    with pytest.raises(ProjectTooNew, match="later version"):
        Database(index.path)


def test_a_damaged_index_says_how_to_make_it_anew(tmp_path: Path) -> None:
    made = Database.create(tmp_path / "project.sqlite")
    made.close()
    data = bytearray(made.path.read_bytes())
    data[4096:] = b"\xaa" * (len(data) - 4096)
    made.path.write_bytes(data)
    with pytest.raises(UserError, match="--rebuild"):
        Database(made.path).rows("SELECT * FROM sample")


def test_changes_happen_together_or_not_at_all(index: Database) -> None:
    def fail() -> None:
        with index.transaction({"settings"}, ignore) as connection:
            put(connection, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert settings(index) == {}


def test_topics_are_told_once_after_the_outermost_commit(index: Database) -> None:
    told = []

    def tell(topics: frozenset[str]) -> None:
        told.append((topics, settings(index)))

    with index.transaction({"runs"}, tell) as connection:
        put(connection, "outer")
        with index.transaction({"masks", "samples"}, tell):
            put(connection, "inner")
        assert told == []
    assert told == [(frozenset({"runs", "masks", "samples"}), {"inner": "1", "outer": "1"})]


def test_a_failed_inner_transaction_takes_back_its_own_part_alone(index: Database) -> None:
    told, afterwards = [], []

    def fail() -> None:
        with index.transaction({"masks"}, told.append) as connection:
            put(connection, "inner")
            index.after_commit(lambda: afterwards.append("inner"))
            raise ZeroDivisionError

    with index.transaction({"runs"}, told.append) as connection:
        put(connection, "outer")
        with pytest.raises(ZeroDivisionError):
            fail()
        index.after_commit(lambda: afterwards.append("outer"))
    assert settings(index) == {"outer": "1"}
    assert told == [frozenset({"runs"})]
    assert afterwards == ["outer"]


def test_nothing_is_told_when_nothing_was_committed(index: Database) -> None:
    told = []

    def fail() -> None:
        with index.transaction({"runs"}, told.append):
            index.after_commit(lambda: told.append("afterwards"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert told == []


def test_reading_does_not_wait_for_a_writer(index: Database) -> None:
    is_written, may_commit = threading.Event(), threading.Event()

    def write() -> None:
        with index.transaction({"settings"}, ignore) as connection:
            put(connection, "new")
            is_written.set()
            may_commit.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert is_written.wait(30)
    assert settings(index) == {}  # answers while the writer is in the middle of it
    may_commit.set()
    writer.join()
    assert settings(index) == {"new": "1"}


def test_many_threads_write_without_losing_anything(index: Database) -> None:
    def write(thread: int) -> None:
        for number in range(20):
            with index.transaction({"settings"}, ignore) as connection:
                put(connection, f"{thread}-{number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(settings(index)) == 160


def test_a_snapshot_sees_one_state(index: Database) -> None:
    with index.snapshot() as connection:
        assert connection.execute("SELECT count(*) FROM setting").fetchone() == (0,)
        other = threading.Thread(target=lambda: _write_one(index))
        other.start()
        other.join()
        assert connection.execute("SELECT count(*) FROM setting").fetchone() == (0,)
    assert settings(index) == {"one": "1"}


def _write_one(index: Database) -> None:
    with index.transaction({"settings"}, ignore) as connection:
        put(connection, "one")


def test_a_closed_file_is_closed_for_every_thread(index: Database) -> None:
    thread = threading.Thread(target=index.connection)
    thread.start()
    thread.join()
    index.close()
    index.close()
    with pytest.raises(RuntimeError, match="closed"):
        index.connection()


def test_a_read_only_file_refuses_changes_with_the_reason(index: Database) -> None:
    index.close()
    reader = Database(index.path, read_only_reason="someone else edits it")
    with pytest.raises(ReadOnlyProject, match="someone else"), reader.transaction({"runs"}, ignore):
        pass
    with pytest.raises(UserError):
        reader.rows("DELETE FROM setting")
    reader.close()


def test_the_next_transaction_works_after_a_failed_one(index: Database) -> None:
    def fail() -> None:
        with index.transaction({"settings"}, ignore) as connection:
            put(connection, "twice")
            put(connection, "twice")

    with pytest.raises(sqlite3.IntegrityError):
        fail()
    _write_one(index)
    assert settings(index) == {"one": "1"}


# Migrations


def test_the_steps_are_numbered_without_a_gap() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_every_schema_that_was_ever_newest_is_stored_for_the_test_below() -> None:
    """Whoever adds step N adds stored_schemas/<N-1>.sql: `sqlite3 project.sqlite .dump` of a project before it."""
    assert [int(path.stem) for path in sorted(STORED.glob("*.sql"))] == [step.number for step in migrations()]


@pytest.mark.parametrize("stored", sorted(STORED.glob("*.sql")), ids=lambda path: path.stem)
def test_a_stored_project_is_brought_to_the_newest_schema(tmp_path: Path, stored: Path) -> None:
    path = tmp_path / "project.sqlite"
    old = sqlite3.connect(path)
    old.executescript(stored.read_text(encoding="utf-8"))
    old.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    old.execute(f"PRAGMA user_version = {int(stored.stem)}")
    old.close()
    index = Database(path)
    assert index.row("PRAGMA user_version")[0] == migrations()[-1].number
    assert index.row("PRAGMA integrity_check")[0] == "ok"
    assert index.rows("SELECT image, state, revision FROM sample ORDER BY id") == [
        ("a.png", "corrected", 2),
        ("б ü.png", "todo", 0),
    ]
    fresh = Database.create(tmp_path / "fresh.sqlite")
    assert _schema(index) == _schema(fresh)
    index.close()
    fresh.close()


def _schema(index: Database) -> list[tuple[str, ...]]:
    return index.rows("SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")


def test_steps_apply_one_after_the_other_after_a_backup(index: Database) -> None:
    _write_one(index)
    index.close()
    newest = migrations()[-1].number
    steps = [
        *migrations(),
        Migration(newest + 1, "one.sql", "CREATE TABLE colour (name TEXT);\nINSERT INTO colour VALUES ('a;b');"),
        Migration(newest + 2, "two.sql", "ALTER TABLE colour ADD COLUMN code INTEGER;"),
    ]
    newer = Database(index.path, steps=steps)
    assert newer.rows("SELECT name, code FROM colour") == [("a;b", None)]
    assert newer.row("PRAGMA user_version")[0] == newest + 2
    newer.close()
    backup = Database(index.path.with_name(f"project.sqlite.schema-{newest:04}"))
    assert settings(backup) == {"one": "1"}
    backup.close()


@pytest.mark.parametrize(
    "failing",
    [
        "CREATE TABLE colour (name TEXT);\nINSERT INTO nowhere VALUES (1);",
        "DROP TABLE setting;\nCREATE TABLE sample (id);",
        "INSERT INTO revision VALUES (77, 1, '', '', 0);",  # refers to no sample
        "not SQL at all",
    ],
)
def test_a_failing_step_leaves_the_old_version(index: Database, failing: str) -> None:
    _write_one(index)
    index.close()
    newest = migrations()[-1].number
    with pytest.raises(sqlite3.Error):
        Database(index.path, steps=[*migrations(), Migration(newest + 1, "bad.sql", failing)])
    still = Database(index.path)
    assert still.row("PRAGMA user_version")[0] == newest
    assert settings(still) == {"one": "1"}
    assert "colour" not in {name for (name,) in still.rows("SELECT name FROM sqlite_master")}
    still.close()


def test_an_old_project_that_cannot_be_written_says_so(index: Database) -> None:
    index.close()
    steps = [*migrations(), Migration(99, "later.sql", "CREATE TABLE later (a);")]
    with pytest.raises(UserError, match="older version"):
        Database(index.path, read_only_reason="the disk is read-only", steps=steps)


def test_statements_keep_triggers_and_quoted_semicolons_whole() -> None:
    script = "CREATE TABLE a (b); -- one; two\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n DELETE FROM a;\n END;\n"
    script += "INSERT INTO a VALUES ('x;\ny');\n"
    assert [text.split()[1] for text in statements(script)] == ["TABLE", "TRIGGER", "INTO"]


# Where the file lies


def test_a_network_drive_gets_a_journal_that_works_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database.create(tmp_path / "project.sqlite").close()
    monkeypatch.setattr(database, "is_network_drive", lambda path: True)
    index = Database(tmp_path / "project.sqlite")
    assert index.row("PRAGMA journal_mode")[0] == "delete"
    assert index.row("PRAGMA synchronous")[0] == 2
    assert "network drive" in index.notes[0]
    _write_one(index)
    assert settings(index) == {"one": "1"}
    index.close()


def test_this_disk_is_no_network_drive_unless_the_system_says_so(tmp_path: Path) -> None:
    assert isinstance(database.is_network_drive(tmp_path / "x"), bool)
    assert database.is_network_drive(Path("//server/share/x")) is (str(Path("//server/share/x")).startswith("\\\\"))


def test_a_share_of_windows_is_a_path_to_sqlite() -> None:
    share = PureWindowsPath(r"\\server\share\my project\project.sqlite")
    assert sqlite_uri(share) == "file:////server/share/my%20project/project.sqlite"
    assert sqlite_uri(PureWindowsPath(r"C:\a#b\p.sqlite")) == "file:///C:/a%23b/p.sqlite"
    assert sqlite_uri(PurePosixPath("/a?b/p.sqlite")) == "file:///a%3Fb/p.sqlite"
