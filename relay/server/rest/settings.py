"""`/api/v1/users/ID/settings[/NAMESPACE]`: what a user keeps here.

A document is what is put, with the defaults of its schema; its version is the entity tag.  Without
a namespace all documents are one, whose members they are, and its version is the newest of theirs.
"""

from typing import Any

import msgspec

from relay.http.causes import NO_SUCH_SETTINGS, NOT_A_KNOWN_PATCH, NOT_SAID_TO_BE_JSON
from relay.http.conditional import if_none_match
from relay.http.errors import refused
from relay.http.json_body import media_type
from relay.http.response import Response, json_response
from relay.notify.cloud_events import timestamp
from relay.server.exchange import Exchange
from relay.server.rest.settings_change import Change, refusals, shown
from relay.server.rest.users import own_user
from relay.settings.documents import Document
from relay.settings.held import Held
from relay.settings.patching import json_patched, merge_patched, without_untouched
from relay.store.settings import Setting

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PATCHES = f"{MERGE_PATCH}, {JSON_PATCH}"
WHAT = "what they keep here"


async def read(exchange: Exchange) -> Response:
    """`GET`.

    Raises:
        HttpError: 403, they are somebody else's; 404, there are none; 503, they cannot be read.
    """
    user, namespace = own_user(exchange, WHAT), exchange.params.get("namespace")
    with refusals():
        held = await exchange.services.settings.read(user)
    if held.shown(namespace) is None:
        raise refused(NO_SUCH_SETTINGS)
    return if_none_match(exchange.request, shown(held, namespace))


async def put(exchange: Exchange) -> Response:
    """`PUT`: this document, and nothing of what was there before.

    Raises:
        HttpError: 403, they are somebody else's; 409, 413 or 422, it may not be so; 429, there were
            too many; 503, it was not kept.
    """
    change = Change.asked(exchange, own_user(exchange, WHAT))
    if media_type(exchange.request) != "application/json":
        raise refused(NOT_SAID_TO_BE_JSON)
    document = change.body()
    return await change.make(lambda _: document)


async def patch(exchange: Exchange) -> Response:
    """`PATCH`, by a merge patch (RFC 7396) or a JSON Patch (RFC 6902).

    Raises:
        HttpError: as `put`; 409, it does not fit what is there; 415, it is another kind of patch.
    """
    change = Change.asked(exchange, own_user(exchange, WHAT))
    kind = media_type(exchange.request)
    if kind not in (MERGE_PATCH, JSON_PATCH):
        raise refused(NOT_A_KNOWN_PATCH, None, ("Accept-Patch", PATCHES))
    body, most_bytes = change.body(), change.most_bytes

    def patched(held: Held) -> Any:
        stored: Document = held.stored(change.namespace) or {}
        whole: Document = held.shown(change.namespace) or {}
        if kind == MERGE_PATCH:
            return merge_patched(body, stored, whole)
        return without_untouched(json_patched(body, whole, most_bytes), stored, whole)

    return await change.make(patched)


async def remove(exchange: Exchange) -> Response:
    """`DELETE`: nothing is set there any more; without a namespace, no version is kept either.

    Raises:
        HttpError: 403, they are somebody else's; 429, there were too many; 503, they stay.
    """
    change = Change.asked(exchange, own_user(exchange, WHAT))
    if change.namespace is None:
        return await change.erase()
    return await change.remove()


async def versions(exchange: Exchange) -> Response:
    """`GET .../NAMESPACE/versions`: what was set there, newest first.

    Raises:
        HttpError: 403, they are somebody else's; 404, nothing was; 503, they cannot be read.
    """
    user, namespace = own_user(exchange, WHAT), exchange.params["namespace"]
    with refusals():
        found = await exchange.services.store.setting_versions(user, namespace)
    if not found:
        raise refused(NO_SUCH_SETTINGS)
    return json_response({"versions": [_version(setting) for setting in found]})


async def undo(exchange: Exchange) -> Response:
    """`POST .../NAMESPACE/undo`: as it was before; and again, as it was before that.

    Raises:
        HttpError: 403, they are somebody else's; 409, nothing was before; 422, it may not be so any
            more; 429, there were too many; 503, it was not kept.
    """
    return await Change.asked(exchange, own_user(exchange, WHAT)).undo()


def _version(setting: Setting) -> dict[str, Any]:
    return {
        "version": setting.version,
        "changed": timestamp(setting.at_ms),
        "restores": setting.restores,
        "value": None if setting.value is None else msgspec.json.decode(setting.value),
    }
