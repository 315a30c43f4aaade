"""A view, and its changes, as JSON for everybody who does not ask for `insert` and `delete`.

Both are an object with one member, so that a follower applies whichever comes:

    {"value": [...]}   the whole view, in order
    {"patch": [...]}   what turns the array that the follower has into the one it should have
                       (RFC 6902); its paths begin with an item's place

The patch goes out where it is the smaller of the two.
"""

from collections.abc import Iterator, Sequence

from relay.views.item import Item, difference
from relay.views.ranking import Action, Event, Window


def whole(items: Sequence[Item]) -> bytes:
    """A view with these items."""
    return b'{"value":[%b]}' % b",".join([item.encoded for item in items])


def publication(window: Window, events: Sequence[Event]) -> bytes:
    """What has changed in a window; `events` have happened in it."""
    items = window.items()
    patch = b'{"patch":[%b]}' % b",".join([op for event in events for op in operations(event)])
    size = len(b'{"value":[]}') + sum([len(item.encoded) + 1 for item in items])
    return patch if len(patch) < size else whole(items)


def operations(event: Event) -> Iterator[bytes]:
    """One event in operations of RFC 6902, each in JSON."""
    match event:
        case Event(Action.INSERT, _, Item() as new, _, int(place)):
            yield b'{"op":"add","path":"/%d","value":%b}' % (place, new.encoded)
        case Event(Action.DELETE, _, _, int(place), _):
            yield b'{"op":"remove","path":"/%d"}' % place
        case Event(Action.UPDATE, Item() as old, Item() as new, int(was_at), int(is_at)):
            if was_at != is_at:
                yield b'{"op":"move","from":"/%d","path":"/%d"}' % (was_at, is_at)
            for name, value in difference(old, new):
                path = b"/%d/%b" % (is_at, name.encode())
                yield b'{"op":"replace","path":"%b","value":%b}' % (path, value)
