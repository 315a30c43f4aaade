"""Word of a change, for the user's other devices: an event like all others on `user:ID`.

It says where something has changed and which version that is, and nothing of what: a device that
has the version already, because the change was its own, need not ask.
"""

from relay.notify.cloud_events import encode

TYPE = "settings.changed"


def changed_event(
    *,
    event_id: str,
    source: str,
    user: str,
    at_ms: int,
    namespace: str,
    version: int,
    is_set: bool,
) -> bytes:
    """A CloudEvent; `is_set` says whether anything is there now."""
    return encode(
        event_id=event_id,
        type_=TYPE,
        source=source,
        subject=user,
        at_ms=at_ms,
        data={"namespace": namespace, "version": version, "is_set": is_set},
    )
