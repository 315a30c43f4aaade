"""The store in a database: SQLite or PostgreSQL, by the same statements.

Every call runs in a thread: one for the single connection that writes, a few for readers.  Whatever
a driver has to complain of becomes `StoreUnavailable`, in words of its own: an error of a driver
quotes the statement with its values, which are people's messages.

`commit` promises that what it raises for has not happened.  Up to the COMMIT that is so by itself:
a transaction that is never committed is none.  A COMMIT whose answer is lost is *in doubt*; then
`commit` asks what became of it, for as long as it takes, and returns or raises when it knows.
Meanwhile new changes wait in the writer's bounded queue and are refused when that is full, which is
what a database that is gone looks like to everybody else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

import attrs
import trio
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from relay.publication import Publication
from relay.store import reading
from relay.store.contract import Change, Loaded, StoreConflict, StoreStatistics, StoreUnavailable
from relay.store.sql_asking import SqlQuestions
from relay.store.threads import READERS, Threads
from relay.store.writing import Writing

T = TypeVar("T")

ASK_AGAIN_S = 0.5
CLOSE_S = 5.0


class Database(Protocol):
    """What differs between the engines."""

    writer: Engine
    """With one connection."""
    readers: Engine

    def mark(self, connection: Connection) -> str | None:
        """By what the outcome of this transaction can be asked for; None if COMMIT tells it."""

    def outcome(self, mark: str) -> bool | None:
        """Whether that transaction was committed; None while it is not known."""

    def close(self) -> None: ...


@attrs.define(eq=False)
class SqlStore(SqlQuestions):
    """`store.contract.Store`; see the head of this module."""

    _database: Database
    _keys_for_ms: int
    _writing: Writing = attrs.field(init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _writer_thread: Threads = attrs.field(factory=lambda: Threads(1), init=False)
    _reader_threads: Threads = attrs.field(factory=lambda: Threads(READERS), init=False)

    def __attrs_post_init__(self) -> None:
        self._writing = Writing(self._database.writer.dialect.name, self._keys_for_ms)

    async def commit(self, batch: Sequence[Change]) -> None:
        mark = await self._writer_thread.run(partial(self._commit, batch))
        if mark is not None and not await self._resolve(mark):
            raise StoreUnavailable("the connection broke, and nothing was committed")

    async def load(self, channel: str, *, keys_since_ms: int, latest: int) -> Loaded | None:
        return await self.ask(lambda it: reading.load(it, channel, keys_since_ms, latest))

    async def read(
        self, channel: str, *, after: int, limit: int, newest_first: bool = False
    ) -> list[Publication]:
        return await self.ask(
            lambda it: reading.read(it, channel, after, limit, newest_first=newest_first)
        )

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(
            threads={
                "store-writer": self._writer_thread.use(),
                "store-readers": self._reader_threads.use(),
            }
        )

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        with trio.move_on_after(CLOSE_S, shield=True):
            await self._writer_thread.run(self._database.close)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        return await self._reader_threads.run(partial(self._read, question))

    async def _resolve(self, mark: str) -> bool:
        """Whether a commit in doubt has happened; waits until that can be known."""
        ask = partial(self._outcome, mark)
        while (known := await self._writer_thread.run(ask)) is None:  # noqa: ASYNC110  # far away
            await trio.sleep(ASK_AGAIN_S)
        return known

    # In threads.

    def _read(self, question: Callable[[Connection], T]) -> T:
        self._check_open()
        with translated(), self._database.readers.connect() as connection:
            return question(connection)

    def _commit(self, batch: Sequence[Change]) -> str | None:
        """Commit, or raise, or return what the outcome can be asked for by."""
        self._check_open()
        with translated(), self._database.writer.connect() as connection:
            self._writing.execute(connection, batch)
            mark = self._database.mark(connection)
            try:
                connection.commit()
            except DBAPIError:
                if mark is None:
                    raise
                return mark
        self._writing.committed()
        return None

    def _check_open(self) -> None:
        """A pool that was closed would quietly connect again, without the lock."""
        if self._is_closed:
            raise StoreUnavailable("the store has been closed")

    def _outcome(self, mark: str) -> bool | None:
        try:
            return self._database.outcome(mark)
        except (SQLAlchemyError, StoreUnavailable):
            return None


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise StoreConflict(_brief(error)) from None
    except OverflowError as error:
        raise StoreConflict(str(error)) from None
    except DBAPIError as error:
        raise StoreUnavailable(_brief(error)) from None
    except SQLAlchemyError as error:
        raise StoreUnavailable(type(error).__name__) from None


def _brief(error: DBAPIError) -> str:
    """The kind, and the first line: what follows may quote values."""
    return f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}"
