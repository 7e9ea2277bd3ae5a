"""Opening a database: SQLite with a write-ahead log and one writer, or PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Transaction, create_engine, event, exc, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from plate_ocr.errors import DataError, StoreError

BUSY_S = 30
"""How long a process waits for another that writes, seconds."""

RETRY_S = 0.05
"""SQLite sometimes says at once that another writes: it is asked again after so many seconds."""

WRITER = 7065872
"""Number of PostgreSQL's lock that the one process which writes holds."""

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Database:
    """An open database whose tables are of this version.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.
        before_migration: called once before tables of an older version are changed, with a connection; None
            changes them without.
        revision: the version of the tables that is made.

    Raises:
        StoreError: if it cannot be opened, or was written by a newer version.

    Attributes:
        error: why the last thing could not be written; None: it was.

    Safe to use from several threads and processes.
    """

    def __init__(
        self,
        url: str,
        before_migration: Callable[[Connection], None] | None = None,
        revision: str = "head",
    ) -> None:
        self.engine = _engine(url)
        # A password is no part of a message.
        self.name = self.engine.url.render_as_string(hide_password=True)
        self.error: str | None = None
        self._writer = threading.Lock()
        try:
            self._migrate(before_migration, revision)
        except BaseException:
            self.close()
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.engine.dialect.name == SQLITE

    @property
    def size(self) -> int | None:
        """Bytes of SQLite's files; None for another database."""
        if not self.is_sqlite:
            return None
        path = str(self.engine.url.database)
        files = [Path(path), Path(f"{path}-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees the database as it was at its first statement.

        Raises:
            StoreError: if the database cannot be used.
        """
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._errors(), self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection whose changes are all made at the end, and on the disk then; none after an error.

        One at a time writes, of all processes: what is looked up and then added is not there twice.

        Raises:
            StoreError: if the database cannot be used.
            DataError: if it cannot keep a value.
        """
        try:
            with self._errors(), self._writer, self.engine.connect() as connection:
                writing = connection.execution_options(write=True)
                with _begin(writing):
                    if not self.is_sqlite:
                        writing.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")
                    yield writing
        except StoreError as error:
            self.error = str(error)
            raise
        self.error = None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (exc.DataError, UnicodeEncodeError) as error:
            reason = _reason(error) if isinstance(error, exc.DataError) else error.reason
            raise DataError(f"the database cannot keep a value: {reason}") from None
        except SQLAlchemyError as error:
            raise StoreError(f"cannot use the database {self.name}: {_reason(error)}") from error

    def _migrate(self, before: Callable[[Connection], None] | None, revision: str) -> None:
        with self.write() as connection:
            scripts = ScriptDirectory.from_config(_config())
            found = MigrationContext.configure(connection).get_current_revision()
            if found == (_head(scripts) if revision == "head" else revision):
                return
            if found is not None:
                if not is_known(found):
                    raise StoreError(
                        f"the database {self.name} is of a newer version of plate-ocr: update this one"
                    )
                if before:
                    before(connection)
            migrate(connection, revision)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring tables to a version, in the transaction of a connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def is_known(revision: str) -> bool:
    """Whether a version of the tables is this one or an older one."""
    scripts = ScriptDirectory.from_config(_config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def _head(scripts: ScriptDirectory) -> str | None:
    return scripts.get_current_head()


def revision_of(connection: Connection) -> str:
    """The version of the tables; empty where there are none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    with resources.as_file(resources.files("plate_ocr.server.store").joinpath("migrations")) as folder:
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername == POSTGRESQL:
            parsed = parsed.set(drivername="postgresql+psycopg")
        backend = parsed.get_backend_name()
        if backend == SQLITE:
            if not parsed.database:
                raise StoreError(f"the database {url} names no file, as sqlite:///plate-ocr.db does")
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(
                parsed,
                connect_args={"timeout": BUSY_S, "check_same_thread": False},
                json_serializer=_to_json,
                # Each export holds one as long as its client takes: the others need not wait for it.
                max_overflow=-1,
            )
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        if backend == POSTGRESQL:
            return create_engine(parsed, pool_pre_ping=True, json_serializer=_to_json)
    except OSError as error:
        raise StoreError(f"cannot make the folder of the database {url}: {error.strerror}") from None
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs a package: pip install 'plate-ocr[postgresql]'") from None
    except (ArgumentError, NoSuchModuleError):
        backend = url.split(":", maxsplit=1)[0]
    raise StoreError(f"a database {backend} is unknown: it is sqlite:///PATH or postgresql://USER@HOST/NAME")


def _to_json(value: Any) -> str:
    # Texts of plates are found in it.
    return json.dumps(value, ensure_ascii=False)


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Python begins no transactions of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {1000 * BUSY_S}")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails where another wrote in between.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin(connection: Connection) -> Transaction:
    """Begin to write as soon as nobody else does."""
    end = time.monotonic() + BUSY_S
    while True:
        try:
            return connection.begin()
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > end:
                raise
            time.sleep(RETRY_S)


def _reason(error: SQLAlchemyError) -> str:
    """The database's own words, in one line."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines() or [type(error).__name__]
    hint = ", see that the disk has room and the folder can be written to"
    return lines[0] + (hint if isinstance(error, OperationalError) and "locked" not in lines[0] else "")
