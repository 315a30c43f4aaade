"""What a push says: a notification, in the words of Declarative Web Push, and which event it is of.

A browser that knows that form shows it by itself (Push API, "Declarative push message"); in any
other one our service worker reads the same.  `navigate` is a path: it is taken from where the
subscription was made.
"""

import hashlib
from typing import Any

import msgspec

from relay.notify.push.base64url import encoded
from relay.notify.push.encryption import MOST_BYTES
from relay.store.outbox import StoredEvent

MAGIC = 8030
TOPIC_CHARACTERS = 32
"""At most, of base64url (RFC 8030, 5.4)."""


def topic_of(stream: str) -> str:
    """The field `Topic`: what is newer replaces what still waits of the same stream."""
    return encoded(hashlib.sha256(stream.encode()).digest())[:TOPIC_CHARACTERS]


def text_of(event: StoredEvent) -> bytes:
    """The text of a push that tells of this event; at most `MOST_BYTES`.

    If what is said of the stream has no room, none of it is there, rather than half of a title.
    """
    said = msgspec.json.decode(event.body)["data"]
    about = {"type": event.type, "stream": event.stream, "since": said["since"]}
    described = {name: said[name] for name in ("title", "category") if said[name]}
    notification = _notification(event, said)
    if title := said["title"]:
        notification["body"] = title
    if picture := said.get("picture"):
        notification["icon"] = picture
    text = msgspec.json.encode(_message(event, notification) | about | described)
    return text if len(text) <= MOST_BYTES else short_text_of(event)


def short_text_of(event: StoredEvent) -> bytes:
    """The least that tells of it, for a service to which the rest was too much."""
    said = msgspec.json.decode(event.body)["data"]
    return msgspec.json.encode(_message(event, _notification(event, said)))


def _message(event: StoredEvent, notification: dict[str, Any]) -> dict[str, Any]:
    return {"web_push": MAGIC, "notification": notification, "id": event.id}


def _notification(event: StoredEvent, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"{said['name']} is live",
        "navigate": f"/watch/{event.stream}",
        # A later one of the same stream takes the place of the one that is shown.
        "tag": event.stream,
    }
