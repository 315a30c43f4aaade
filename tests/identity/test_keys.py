"""What a key is made of, and how one is found among many."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.identity.keys import (
    ApiKey,
    Granted,
    PublishKey,
    Revoked,
    Unknown,
    digest,
    find,
    key_id,
    new_api_key,
    new_stream_key,
    valid_name,
)


def key(text: str, *, revoked: str | None = None) -> PublishKey:
    kept = digest(text)
    return PublishKey(
        id=key_id(kept),
        name="live/cat",
        digest=kept,
        created="2026-01-01T00:00:00Z",
        revoked=revoked,
    )


TEXTS = [new_stream_key(bytes([number]) * 32) for number in range(50)]
KEYS = [key(text) for text in TEXTS]


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_a_prefix_and_its_entropy_in_base64url(entropy: bytes) -> None:
    for text, prefix in ((new_stream_key(entropy), "sk_"), (new_api_key(entropy), "rk_")):
        assert text.startswith(prefix)
        assert base64.urlsafe_b64decode(text[3:] + "=") == entropy
        assert "=" not in text


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_not_made(size: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        new_stream_key(bytes(size))


def test_a_digest_is_sha_256_in_hexadecimal() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("place", [0, 25, 49])
def test_a_key_is_found_wherever_it_stands(place: int) -> None:
    assert find(KEYS, TEXTS[place]) == Granted(KEYS[place])


class Counted(list[PublishKey]):
    looked_at = 0

    def __iter__(self) -> "Counted":
        self._rest = super().__iter__()
        return self

    def __next__(self) -> PublishKey:
        found = next(self._rest)
        self.looked_at += 1
        return found


@pytest.mark.parametrize("presented", [TEXTS[0], TEXTS[49], "wrong"])
def test_every_key_is_looked_at_whichever_is_right(presented: str) -> None:
    keys = Counted(KEYS)
    find(keys, presented)
    assert keys.looked_at == len(KEYS)


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(ours: str, theirs: str) -> bool:
        compared.append((ours, theirs))
        return ours == theirs

    monkeypatch.setattr("hmac.compare_digest", compare)
    find(KEYS, "wrong")
    assert compared == [(kept.digest, digest("wrong")) for kept in KEYS]


def test_a_revoked_key_is_told_from_an_unknown_one() -> None:
    revoked = key("sk_old", revoked="2026-02-02T00:00:00Z")
    assert find([*KEYS, revoked], "sk_old") == Revoked(revoked)
    assert find([*KEYS, revoked], "sk_other") == Unknown()


@pytest.mark.parametrize("presented", ["", "sk_", TEXTS[0][:-1], TEXTS[0] + " ", KEYS[0].digest])
def test_what_is_nearly_a_key_is_unknown(presented: str) -> None:
    assert find(KEYS, presented) == Unknown()


@given(st.text(alphabet=st.characters(categories=("Cs", "L", "Cc"))))
def test_any_text_at_all_may_be_presented(presented: str) -> None:
    assert find(KEYS, presented) == Unknown()


def test_api_keys_are_found_the_same_way() -> None:
    kept = digest("rk_x")
    api = ApiKey(id=key_id(kept), name="site", digest=kept, created="2026-01-01T00:00:00Z")
    assert find([api], "rk_x") == Granted(api)
    assert find([api], "sk_x") == Unknown()


@pytest.mark.parametrize("name", ["cat", "Cat-2", "_", "a.b", "0", "x" * 64])
def test_a_name_is_letters_digits_and_a_few_marks(name: str) -> None:
    assert valid_name(name)


@pytest.mark.parametrize(
    "name", ["", "-x", ".x", "sk_x", "rk_x", "..", "a/b", "a b", "a?b", "é", "x" * 65, "a\n"]
)
def test_a_name_that_would_be_mistaken_somewhere_is_refused(name: str) -> None:
    assert not valid_name(name)
