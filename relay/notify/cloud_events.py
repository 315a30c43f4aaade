"""Events as everybody gets them: CloudEvents 1.0 in JSON (CloudEvents, "JSON Event Format")."""

from datetime import UTC, datetime
from typing import Any

import msgspec

CONTENT_TYPE = "application/cloudevents+json"
"""Of a body that holds a whole event (CloudEvents, "HTTP Protocol Binding", 3.2)."""


def encode(
    *, event_id: str, type_: str, source: str, subject: str, at_ms: int, data: dict[str, Any]
) -> bytes:
    """One event, as one line."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event_id,
            "type": type_,
            "source": source,
            "subject": subject,
            "time": timestamp(at_ms),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def timestamp(at_ms: int) -> str:
    """RFC 3339, in UTC."""
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
