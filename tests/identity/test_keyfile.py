"""`keys.toml` is whole at every moment, private, and tells when it changed."""

import os
import threading
import tomllib
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ConfigError
from relay.identity.keyfile import KeyFile, KeySet
from relay.identity.keys import ApiKey, PublishKey, digest, key_id
from relay.identity.private_files import make_data_directory
from relay.identity.toml import table

CREATED = "2026-01-01T00:00:00Z"


def publish_key(number: int, *, owner: str | None = None) -> PublishKey:
    kept = digest(str(number))
    return PublishKey(
        id=key_id(kept), name=f"live/n{number}", owner=owner, digest=kept, created=CREATED
    )


def api_key(number: int) -> ApiKey:
    kept = digest(f"api {number}")
    return ApiKey(id=key_id(kept), name="site", digest=kept, created=CREATED, revoked=CREATED)


def adding(key: PublishKey, file: KeyFile) -> KeySet:
    return file.change(lambda keys: attrs.evolve(keys, publish=(*keys.publish, key)))


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "data" / "keys.toml")


def test_no_file_is_a_file_without_keys(file: KeyFile) -> None:
    assert file.load() == KeySet()
    assert not file.changed()


def test_keys_come_back_as_they_were_written(file: KeyFile) -> None:
    owner = 'a "b" \\ \x00\x1f\x7f\n é 𝄞 = # [x]'
    keys = KeySet((publish_key(1, owner=owner), publish_key(2)), (api_key(1),))

    assert file.change(lambda _: keys) == keys
    assert KeyFile(file.path).load() == keys


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.booleans())
def test_any_text_survives_toml(text: str, truth: bool) -> None:
    written = table("publish", {"text": text, "truth": truth, "nothing": None})
    assert tomllib.loads(written) == {"publish": [{"text": text, "truth": truth}]}


def test_file_and_directory_are_for_their_owner_alone(file: KeyFile) -> None:
    before = os.umask(0)
    try:
        adding(publish_key(1), file)
    finally:
        os.umask(before)
    modes = {
        each.name: each.stat().st_mode & 0o777
        for each in [file.path.parent, *file.path.parent.iterdir()]
    }
    assert modes == {"data": 0o700, "keys.toml": 0o600, "keys.lock": 0o600}


def test_a_wider_mode_is_narrowed_by_the_next_change(file: KeyFile) -> None:
    adding(publish_key(1), file)
    file.path.chmod(0o644)
    adding(publish_key(2), file)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_data_directory(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_change_by_somebody_else_is_noticed_once(file: KeyFile) -> None:
    server = KeyFile(file.path)
    server.load()
    adding(publish_key(1), file)
    assert server.changed()
    server.load()
    assert not server.changed()


def test_a_change_of_equal_size_within_a_clock_tick_is_noticed(file: KeyFile) -> None:
    adding(publish_key(1), file)
    file.load()
    before = file.path.stat()
    other = KeyFile(file.path)
    other.change(lambda keys: attrs.evolve(keys, publish=(publish_key(2),)))
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.path.stat().st_size == before.st_size
    assert file.changed()


def test_a_file_that_went_away_is_noticed(file: KeyFile) -> None:
    adding(publish_key(1), file)
    file.load()
    file.path.unlink()
    assert file.changed()


def test_a_key_is_revoked_once_and_alone() -> None:
    first, second = publish_key(1), publish_key(2)
    once = KeySet((first, second), (api_key(1),)).revoked(first.id, "2026-03-03T00:00:00Z")
    assert once.publish == (attrs.evolve(first, revoked="2026-03-03T00:00:00Z"), second)
    assert once.revoked(first.id, "2026-04-04T00:00:00Z") == once
    assert once.revoked("nobody", "2026-04-04T00:00:00Z") == once


def test_a_reader_never_sees_half_a_file(file: KeyFile) -> None:
    """Whoever opened the file before a change reads the old one to its end."""
    adding(publish_key(1), file)
    with file.path.open("rb") as reader:
        start = reader.read(10)
        file.change(lambda _: KeySet(tuple(map(publish_key, range(200)))))
        seen = tomllib.loads((start + reader.read()).decode())
    assert [key["name"] for key in seen["publish"]] == ["live/n1"]


def test_a_change_that_fails_leaves_the_file_as_it_was(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    adding(publish_key(1), file)
    before = file.path.read_bytes()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(ConfigError, match="No space left"):
        adding(publish_key(2), file)
    assert file.path.read_bytes() == before


def test_what_a_crash_left_behind_is_no_obstacle(file: KeyFile) -> None:
    make_data_directory(file.path.parent)
    file.path.with_suffix(".new").write_text("half a fi")
    adding(publish_key(1), file)
    assert file.load().publish == (publish_key(1),)
    assert not file.path.with_suffix(".new").exists()


def test_writers_take_turns_and_none_is_lost(file: KeyFile) -> None:
    """Each has its own `KeyFile`, as two processes would; flock tells descriptors apart."""

    def write(writer: int) -> None:
        for number in range(5):
            adding(publish_key(writer * 10 + number), KeyFile(file.path))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.load().publish) == 20


def test_no_link_is_followed_to_lock(file: KeyFile, tmp_path: Path) -> None:
    make_data_directory(file.path.parent)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    file.path.with_suffix(".lock").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match=r"keys\.lock"):
        adding(publish_key(1), file)


GOOD = table("publish", attrs.asdict(publish_key(1)))
MALFORMED = [
    ("[[publish]\n", "line 1"),
    ("[[publish]]\n", r"`publish\[0\]\.id` is missing"),
    (GOOD + "colour = 1\n", r"unknown key `publish\[0\]\.colour`"),
    (GOOD.replace("false", "0"), r"`publish\[0\]\.exclusive` must be true or false, not 0"),
    (GOOD + GOOD, "there are two keys"),
    (GOOD.replace(publish_key(1).digest, "x" * 64), "is no SHA-256"),
    (GOOD.replace(publish_key(1).digest, "ab"), "is no SHA-256"),
    ("publish = 1\n", "`publish` must be a list in brackets"),
    ("[[publihs]]\n", "unknown key `publihs`; did you mean `publish`"),
]


@pytest.mark.parametrize(("text", "match"), MALFORMED)
def test_a_malformed_file_is_refused_and_left_alone(file: KeyFile, text: str, match: str) -> None:
    make_data_directory(file.path.parent)
    file.path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        file.load()
    with pytest.raises(ConfigError, match=match):
        adding(publish_key(2), file)
    assert file.path.read_text() == text


def test_a_file_that_is_no_text_is_refused(file: KeyFile) -> None:
    make_data_directory(file.path.parent)
    file.path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="utf-8"):
        file.load()


def test_what_cannot_be_read_is_refused_by_name(file: KeyFile) -> None:
    file.path.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"keys\.toml: Is a directory"):
        file.load()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file/data: Not a directory"):
        make_data_directory(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_belongs_to_the_owner_of_the_directory(file: KeyFile) -> None:
    make_data_directory(file.path.parent)
    os.chown(file.path.parent, 12345, 12345)
    adding(publish_key(1), file)
    assert {each.stat().st_uid for each in file.path.parent.iterdir()} == {12345}
