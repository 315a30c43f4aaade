"""The three things that a site's back end does for Relay, in one small server beside it.

    pip install joserfc standardwebhooks
    python examples/site_back_end.py relay-data 8000

and in `relay.toml`, where Relay may ask this machine:

    outbound = { allow = ["127.0.0.1/32"], allow_http = true }
    on_publish = { url = "http://127.0.0.1:8000/may-publish" }

    relay webhook add http://127.0.0.1:8000/events > relay-data/webhook-secret

It takes Relay's secrets from files in the data directory; a back end elsewhere brings its own
(`auth.token_secret_file`, `on_publish.secret_file`).
"""

import json
import sys
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from joserfc import jwt
from joserfc.jwk import OctKey
from standardwebhooks import Webhook, WebhookVerificationError

HOUR_S = 3600
LARGEST_BODY = 64 * 1024

USERS = {"ann": "Ann", "bob": "Bob"}
"""A site has a database, and asks for passwords."""
BANNED = {"live/spam"}


class Refused(Exception):
    """The answer is this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class BackEnd(BaseHTTPRequestHandler):
    """One request."""

    data: Path
    """Relay's data directory."""
    seen: ClassVar[deque[str]] = deque(maxlen=1000)
    """Events that have come: each comes once or more."""

    def do_POST(self) -> None:
        """Answer with what the function for this path returns."""
        actions = {"/login": login, "/events": event, "/may-publish": may_publish}
        try:
            if self.path not in actions:
                raise Refused(404, "there is nothing here")
            length = int(self.headers.get("Content-Length") or 0)
            if length > LARGEST_BODY:
                raise Refused(413, "too large")
            self._answer(200, actions[self.path](self, self.rfile.read(length)))
        except Refused as error:
            self._answer(error.status, {"reason": str(error)})

    def secret(self, name: str) -> str:
        """Read anew each time, so that it may change at any."""
        return (self.data / name).read_text().split()[0]

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def login(request: BackEnd, body: bytes) -> Any:
    """A token for whoever has logged in; the page goes on to `/watch/APP/NAME#token=...`."""
    user = json.loads(body)["user"]
    if user not in USERS:
        raise Refused(401, "nobody of that name")
    now = int(time.time())
    claims = {"sub": user, "name": USERS[user], "iat": now, "exp": now + HOUR_S}
    key = OctKey.import_key(request.secret("token-secret"))
    return {"token": jwt.encode({"alg": "HS256"}, claims, key)}


def event(request: BackEnd, body: bytes) -> Any:
    """Something has happened.  Whatever is slow is done later: Relay waits for the answer."""
    told = signed(request, body, "webhook-secret")
    if told["id"] not in request.seen:
        request.seen.append(told["id"])
        print(f"{told['type']} {told['subject']}", flush=True)
    return {}


def may_publish(request: BackEnd, body: bytes) -> Any:
    """Somebody has a good stream key and wants to begin: the site has the last word."""
    asked = signed(request, body, "callback-secret")
    if asked["stream"] in BANNED:
        raise Refused(403, "this stream is banned")
    return {}


def signed(request: BackEnd, body: bytes, secret: str) -> Any:
    """What is in the body, once it is certain that Relay has written it, and just now."""
    try:
        return Webhook(request.secret(secret)).verify(body, dict(request.headers))
    except WebhookVerificationError as error:
        raise Refused(401, f"who says so? {error}") from None


if __name__ == "__main__":
    BackEnd.data = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), BackEnd)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
