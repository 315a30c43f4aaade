"""The Centrifugo client protocol in JSON, without I/O: commands in, replies and pushes out.

What the SDKs of `centrifugal` speak (client.proto of centrifugal/protocol; the framing is in
"Client protocol" of its documentation).  A message holds one JSON object or several, a line each:

- a *command* has an id and one request; `{}` answers a ping;
- a *reply* has that id, and a result or an error;
- a *push* is a reply without an id, and `{}` is a ping.

`codes` has the numbers that tell an SDK whether to try again, `commands` what clients say,
`replies` what servers do.
"""
