"""No key survives in a text that goes to a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from relay.identity.keys import new_api_key, new_stream_key
from relay.identity.redact import redact
from relay.identity.tokens import Keyring

KEY = "sk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLTMyLWJ5dGVzXyz9"

TABLE = [
    (KEY, f"sk_...{KEY[-4:]}"),
    (f"rk_{KEY[3:]}", f"rk_...{KEY[-4:]}"),
    (f"/live/{KEY}.flv", f"/live/sk_...{KEY[-4:]}.flv"),
    (f"cat?key={KEY}&x=1", f"cat?key=sk_...{KEY[-4:]}&x=1"),
    (f"key%3D{KEY}", f"key%3Dsk_...{KEY[-4:]}"),
    (f"%2Fsk%5F{KEY[3:]}", f"%2Fsk_...{KEY[-4:]}"),
    (f"rtmp://h/live/{KEY}/{KEY}", f"rtmp://h/live/sk_...{KEY[-4:]}/sk_...{KEY[-4:]}"),
    (JWT, "eyJ...Xyz9"),
    (f"/live/{JWT}.flv", "/live/eyJ...Xyz9.flv"),
    (f"/?token={JWT}&x=1", "/?token=eyJ...Xyz9&x=1"),
    (f"/?x={JWT.replace('.', '%2E')}", "/?x=eyJ..."),
    (f"{JWT.rpartition('.')[0]}.", "eyJ..."),
    (JWT.partition(".")[0], "eyJ..."),
    (f"a{JWT} {JWT}", "aeyJ...Xyz9 eyJ...Xyz9"),
    ("eyJ", "eyJ"),
    ("sk_short", "sk_..."),
    ("cat?key=hunter2&x=1", "cat?key=...&x=1"),
    ("rtmp://h/live?TOKEN=hunter2/cat", "rtmp://h/live?TOKEN=.../cat"),
    ("monkey=banana", "monkey=banana"),
    ("sk_", "sk_"),
    ("live/cat task_list risk_of_rain", "live/cat task_list risk_of_rain"),
]


@pytest.mark.parametrize(("text", "cut"), TABLE)
def test_a_key_is_cut_to_its_last_four(text: str, cut: str) -> None:
    assert redact(text) == cut


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="/?&=% .:\n'\"", max_size=4))
def test_no_key_survives_whatever_stands_around_it(entropy: bytes, around: str) -> None:
    for key in (new_stream_key(entropy), new_api_key(entropy)):
        assert key[3:-4] not in redact(f"{around}{key}{around}")


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="/?&=% .:\n'\"", max_size=4))
def test_no_token_survives_whatever_stands_around_it(secret: bytes, around: str) -> None:
    token = Keyring(own=OctKey.import_key(secret)).mint({"sub": "ann"})
    cut = redact(f"{around}{token}{around}")
    assert token.split(".")[1] not in cut
    assert token[-43:-4] not in cut


@given(st.text(max_size=40))
def test_what_is_cut_once_stays_as_it_is(text: str) -> None:
    once = redact(f"{text} {KEY} {JWT}")
    assert redact(once) == once
