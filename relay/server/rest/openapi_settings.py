"""What settings are at `/api/v1`, in the words of OpenAPI."""

from relay.http.causes import (
    EDITED_MEANWHILE,
    NO_SUCH_SETTINGS,
    NOT_A_KNOWN_PATCH,
    NOT_JSON,
    NOT_SAID_TO_BE_JSON,
    NOTHING_TO_UNDO,
    PATCH_DOES_NOT_FIT,
    PATCH_NOT_POSSIBLE,
    SETTINGS_NOT_POSSIBLE,
    SETTINGS_TOO_LARGE,
    STORE_UNAVAILABLE,
    TOO_MANY_CHANGES,
    TOO_MANY_SETTINGS,
    Cause,
)
from relay.http.described import Answered, Operation, Schema, many, or_null, record, text, whole

_TAG = "settings"
_DOCUMENT: Schema = {"type": "object", "description": "As the site's own schema of it says"}
_ALL: Schema = {
    "type": "object",
    "description": "By namespace",
    "additionalProperties": _DOCUMENT,
}
_SET_ALL: Schema = {**_ALL, "additionalProperties": or_null(_DOCUMENT)}
_MERGE_PATCH: Schema = {"type": "object", "description": "RFC 7396"}
_JSON_PATCH: Schema = many(
    record(
        {
            "op": text("What to do", enum=["add", "remove", "replace", "move", "copy", "test"]),
            "path": text("Where, as a JSON Pointer"),
            "from": text("From where, for `move` and `copy`"),
            "value": {"description": "For `add`, `replace` and `test`"},
        },
        "from",
        "value",
    ),
    "RFC 6902",
)
_PATCHES = {
    "application/merge-patch+json": _MERGE_PATCH,
    "application/json-patch+json": _JSON_PATCH,
}
_VERSION = record(
    {
        "version": whole("Later ones have larger numbers, in any namespace"),
        "changed": text("Since when", format="date-time"),
        "restores": or_null(whole("The version whose document this is once more")),
        "value": or_null(_DOCUMENT),
    }
)
_UNCHANGED = Answered("It is as `If-None-Match` says")

_OF_CHANGE = (EDITED_MEANWHILE, TOO_MANY_CHANGES, STORE_UNAVAILABLE)
_OF_DOCUMENT = (
    *_OF_CHANGE,
    NOT_JSON,
    SETTINGS_NOT_POSSIBLE,
    SETTINGS_TOO_LARGE,
    TOO_MANY_SETTINGS,
)
_OF_PATCH = (*_OF_DOCUMENT, NOT_A_KNOWN_PATCH, PATCH_NOT_POSSIBLE, PATCH_DOES_NOT_FIT)


def _read(name: str, summary: str, schema: Schema, *fails: Cause) -> Operation:
    return Operation(
        name=name,
        summary=f"{summary}: for that user and the operator; `ETag` has the version",
        tag=_TAG,
        answers={200: Answered("With defaults", schema), 304: _UNCHANGED},
        fails=(*fails, STORE_UNAVAILABLE),
    )


def _put(name: str, summary: str, body: Schema, schema: Schema) -> Operation:
    return Operation(
        name=name,
        summary=f"{summary}; with `If-Match`, only what was seen, and with `If-None-Match: *`, "
        "only where nothing is set; 412 has what is there, in `version` and `value`",
        tag=_TAG,
        body=body,
        answers={200: Answered("With defaults", schema), 201: Answered("Nothing was set", schema)},
        fails=(*_OF_DOCUMENT, NOT_SAID_TO_BE_JSON),
    )


def _patch(name: str, summary: str, schema: Schema) -> Operation:
    return Operation(
        name=name,
        summary=f"{summary}, by a merge patch or a JSON Patch; conditions as for PUT",
        tag=_TAG,
        bodies=_PATCHES,
        answers={200: Answered("With defaults", schema)},
        fails=_OF_PATCH,
    )


READ_ALL = _read("readAllSettings", "All that a user has set, and defaults", _ALL)
PUT_ALL = _put("putAllSettings", "Set this, and nothing else in any namespace", _SET_ALL, _ALL)
PATCH_ALL = _patch("patchAllSettings", "Change documents of several namespaces at once", _ALL)
ERASE = Operation(
    name="eraseSettings",
    summary="Keep nothing of what the user has set, nor of its versions; it cannot be undone",
    tag=_TAG,
    answers={204: Answered("Nothing is kept")},
    fails=_OF_CHANGE,
)
READ = _read("readSettings", "One document of a user", _DOCUMENT, NO_SUCH_SETTINGS)
PUT = _put(
    "putSettings", "Set this document, and nothing that was in it before", _DOCUMENT, _DOCUMENT
)
PATCH = _patch("patchSettings", "Change a document", _DOCUMENT)
REMOVE = Operation(
    name="removeSettings",
    summary="Set nothing there any more; this can be undone",
    tag=_TAG,
    answers={
        200: Answered("The defaults, where there are some", _DOCUMENT),
        204: Answered("Nothing is set"),
    },
    fails=_OF_CHANGE,
)
VERSIONS = Operation(
    name="listSettingsVersions",
    summary="The last versions of a document; `value` is null where nothing was set",
    tag=_TAG,
    answers={200: Answered("Newest first", record({"versions": many(_VERSION)}))},
    fails=(NO_SUCH_SETTINGS, STORE_UNAVAILABLE),
)
UNDO = Operation(
    name="undoSettings",
    summary="Set what was set before; and again, what was set before that",
    tag=_TAG,
    answers={
        200: Answered("The document of before, as a new version", _DOCUMENT),
        204: Answered("Nothing was set before"),
    },
    fails=(
        *_OF_CHANGE,
        NOTHING_TO_UNDO,
        SETTINGS_NOT_POSSIBLE,
        SETTINGS_TOO_LARGE,
        TOO_MANY_SETTINGS,
    ),
)
