"""JSON-RPC 2.0 (jsonrpc.org/specification): bytes to calls, results to bytes.

A body is one call or a batch of them.  What is wrong with one call is that call's answer, and the
others are served; what is wrong with the body is the only answer.  A call without an id is a
notification, and is never answered, not even with an error.
"""

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from relay.errors import RelayError

MOST_CALLS = 32
"""In one batch; each may cost as much as a request."""
ID_LENGTH = 128
METHOD_LENGTH = 64

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

Id = str | int | float | None
Params = dict[str, Any] | list[Any]


class RpcError(RelayError):
    """The answer to this call is an error.  Codes from -32099 to -32000 are the server's own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@attrs.frozen
class Call:
    """One call that is one."""

    method: str
    params: Params
    id: Id = None
    is_notification: bool = False


@attrs.frozen
class Refused:
    """A part of a body that is no call."""

    error: RpcError
    id: Id = None


@attrs.frozen
class Calls:
    """What a body holds, in its order."""

    items: tuple[Call | Refused, ...]
    is_batch: bool


def parse(body: bytes) -> Calls:
    """The calls in a body.

    Raises:
        RpcError: there is nothing in it that could be answered one by one.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RpcError(PARSE_ERROR, "this is not JSON") from None
    if not isinstance(value, list):
        return Calls((_item(value),), is_batch=False)
    if not value:
        raise RpcError(INVALID_REQUEST, "an empty batch asks for nothing")
    if len(value) > MOST_CALLS:
        raise RpcError(INVALID_REQUEST, f"a batch has at most {MOST_CALLS} calls")
    return Calls(tuple(_item(each) for each in value), is_batch=True)


def result(call_id: Id, value: bytes) -> bytes:
    """The answer to a call; `value` is JSON."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (msgspec.json.encode(call_id), value)


def error(call_id: Id, why: RpcError) -> bytes:
    """The answer to a call that failed, or, with the id None, to what is no call."""
    problem = msgspec.json.encode({"code": why.code, "message": why.message})
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (msgspec.json.encode(call_id), problem)


def answers(items: Sequence[bytes], *, is_batch: bool) -> bytes:
    """All answers to a body; nothing where there was nothing to answer."""
    if not items:
        return b""
    return b"[%b]" % b",".join(items) if is_batch else items[0]


def arguments(params: Params, names: Sequence[str]) -> dict[str, Any]:
    """The parameters of a call by name, whether it has given names or positions.

    Raises:
        RpcError: there are some that the method does not have.
    """
    if isinstance(params, list):
        if len(params) > len(names):
            raise RpcError(INVALID_PARAMS, f"at most {len(names)} parameters: {', '.join(names)}")
        return dict(zip(names, params, strict=False))
    unknown = [name for name in params if name not in names]
    if unknown:
        raise RpcError(
            INVALID_PARAMS, f"no parameter {unknown[0][:40]!r}; there are {', '.join(names)}"
        )
    return params


def _item(value: Any) -> Call | Refused:
    if not isinstance(value, dict):
        return Refused(RpcError(INVALID_REQUEST, "a call is an object"))
    call_id = value.get("id")
    if not _is_id(call_id):
        return Refused(RpcError(INVALID_REQUEST, "an id is a short text, a number or null"))
    method, params = value.get("method"), value.get("params", {})
    if value.get("jsonrpc") != "2.0":
        return Refused(RpcError(INVALID_REQUEST, 'a call has "jsonrpc": "2.0"'), call_id)
    if not isinstance(method, str) or len(method) > METHOD_LENGTH:
        return Refused(RpcError(INVALID_REQUEST, "a call has a method, which is a text"), call_id)
    if not isinstance(params, dict | list):
        return Refused(RpcError(INVALID_REQUEST, "params are an object or an array"), call_id)
    return Call(method, params, call_id, is_notification="id" not in value)


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_LENGTH
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
