"""Any history of batches: every store answers as a dictionary would."""

from collections.abc import Iterator, Sequence

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from store.conftest import KINDS
from support.postgres import PostgresServer

from relay.publication import Author, Moment, Publication
from relay.store.contract import (
    Append,
    Change,
    ChannelRecord,
    CreateChannel,
    DeleteChannel,
    Loaded,
    ProducerMark,
    PutDetails,
    Store,
    StoreConflict,
    TouchChannel,
    Trim,
)
from relay.store.open import open_store

NAMES = ("a", "a:b", "\u00e4\0\ud800")
small = st.integers(0, 2**63 - 1) | st.integers(0, 5)
texts = st.sampled_from(["", "x", "\0", "\udfff"]) | st.text(max_size=3)
authors = st.builds(Author, texts, texts, st.binary(max_size=3))
tags = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)

# Offsets are filled in when it is known where the channel stands; `shift` is how far they are off.
drafts = st.builds(
    Publication,
    offset=st.just(0),
    data=st.binary(max_size=5),
    at_ms=st.integers(0, 9),
    author=st.none() | authors,
    tags=tags,
    moment=st.none() | st.builds(Moment, texts, small),
)
names = st.sampled_from(NAMES)
changes = st.one_of(
    st.builds(
        CreateChannel,
        st.builds(
            ChannelRecord,
            name=names,
            epoch=texts,
            content_type=texts,
            created_ms=small,
            ttl_s=st.none() | small,
            expires_ms=st.none() | small,
        ),
    ),
    st.builds(
        Append,
        channel=names,
        publications=st.lists(drafts, max_size=3).map(tuple),
        key=texts,
        producer=st.none() | st.builds(ProducerMark, producer=texts, epoch=small, seq=small),
        stream_seq=texts,
        closes=st.booleans(),
    ),
    st.builds(TouchChannel, names, st.none() | small),
    st.builds(Trim, names, st.integers(0, 3)),
    st.builds(DeleteChannel, names),
    st.builds(PutDetails, texts, st.binary(max_size=3)),
)
shifts = st.sampled_from([0] * 30 + [-1, 1])
batches = st.lists(st.lists(st.tuples(changes, shifts), max_size=8), max_size=6)


@attrs.define
class Kept:
    """A channel in the model."""

    record: ChannelRecord
    publications: dict[int, Publication] = attrs.field(factory=dict)
    producers: dict[str, ProducerMark] = attrs.field(factory=dict)
    keys: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    stream_seq: str = ""


@attrs.define
class Model:
    """What a store should hold, written down as simply as can be."""

    channels: dict[str, Kept] = attrs.field(factory=dict)
    details: dict[str, bytes] = attrs.field(factory=dict)

    def copy(self) -> "Model":
        kept = {
            name: Kept(it.record, {**it.publications}, {**it.producers}, {**it.keys}, it.stream_seq)
            for name, it in self.channels.items()
        }
        return Model(kept, {**self.details})

    def place(self, change: Change, shift: int) -> Change:
        """The change with offsets that fit, or do not."""
        it = self.channels.get(getattr(change, "channel", ""))
        last = it.record.last_offset if it else 0
        match change:
            case Append(publications=publications):
                placed = [
                    attrs.evolve(one, offset=last + shift + number)
                    for number, one in enumerate(publications, 1)
                ]
                return attrs.evolve(change, publications=tuple(placed))
            case Trim(channel, first_offset):
                return Trim(channel, max(0, last + 1 - first_offset))
            case _:
                return change

    def make(self, change: Change) -> None:
        """Raises KeyError or ValueError where a store must refuse."""
        match change:
            case CreateChannel(record):
                if record.name in self.channels:
                    raise ValueError
                self.channels[record.name] = Kept(record)
            case DeleteChannel(channel):
                self.channels.pop(channel, None)
            case PutDetails(stream, value):
                self.details[stream] = value
            case Append():
                self.append(self.channels[change.channel], change)
            case TouchChannel(channel, expires_ms):
                if it := self.channels.get(channel):
                    it.record = attrs.evolve(it.record, expires_ms=expires_ms)
            case Trim(channel, first_offset):
                if it := self.channels.get(channel):
                    first = max(first_offset, it.record.first_offset)
                    it.record = attrs.evolve(it.record, first_offset=first)

    def append(self, it: Kept, change: Append) -> None:
        for one in change.publications:
            if one.offset != it.record.last_offset + 1:
                raise ValueError
            it.publications[one.offset] = one
            it.record = attrs.evolve(it.record, last_offset=one.offset)
            if change.key:
                it.keys[change.key] = (one.offset, one.at_ms)
        if change.producer:
            it.producers[change.producer.producer] = change.producer
        it.stream_seq = change.stream_seq or it.stream_seq
        it.record = attrs.evolve(it.record, is_closed=it.record.is_closed or change.closes)

    def loaded(self, channel: str, since_ms: int, latest: int) -> Loaded | None:
        it = self.channels.get(channel)
        if it is None:
            return None
        keys = [(key, offset) for key, (offset, at) in it.keys.items() if at >= since_ms]
        return Loaded(
            record=it.record,
            producers=tuple(it.producers[name] for name in sorted(it.producers)),
            stream_seq=it.stream_seq,
            keys=tuple(sorted(keys, key=lambda pair: pair[1])),
            latest=tuple(self.visible(channel)[-latest:]),
        )

    def visible(self, channel: str) -> list[Publication]:
        it = self.channels.get(channel)
        if it is None:
            return []
        first = it.record.first_offset
        return [one for offset, one in sorted(it.publications.items()) if offset >= first]


async def check(store: Store, model: Model) -> None:
    """Everything that can be asked."""
    assert await store.names() == sorted(model.channels)
    assert await store.names("a") == sorted(name for name in model.channels if name[:1] == "a")
    assert await store.details() == model.details
    records = [it.record for it in model.channels.values()]
    due = sorted((it.expires_ms, it.name) for it in records if it.expires_ms is not None)
    assert await store.expired(5) == [name for expires_ms, name in due if expires_ms <= 5]
    for name in NAMES:
        assert await store.load(name, keys_since_ms=4, latest=3) == model.loaded(name, 4, 3)
        visible = model.visible(name)
        assert await store.read(name, after=0, limit=99) == visible
        backwards = await store.read(name, after=4, limit=2, newest_first=True)
        assert backwards == [one for one in visible[::-1] if one.offset < 4][:2]


async def live_through(store: Store, history: Sequence[Sequence[tuple[Change, int]]]) -> None:
    """Begin with no channel, go through all batches, and leave no channel."""
    model = Model(details=await store.details())
    for batch in history:
        after, placed = model.copy(), []
        try:
            for change, shift in batch:
                placed.append(after.place(change, shift))
                after.make(placed[-1])
        except (KeyError, ValueError):
            with pytest.raises(StoreConflict):
                await store.commit(placed)
        else:
            await store.commit(placed)
            model = after
        await check(store, model)
    await store.commit([DeleteChannel(name) for name in model.channels])


@pytest.fixture(scope="module", params=KINDS)
def lasting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for many lives."""
    url = f"{request.param}:"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.make_database()
    store = trio.run(open_store, url, tmp_path_factory.mktemp("model"))
    yield store
    trio.run(store.aclose)


@settings(max_examples=30)
@given(history=batches)
def test_every_store_answers_as_the_model_does(
    lasting: Store, history: list[list[tuple[Change, int]]]
) -> None:
    trio.run(live_through, lasting, history)
