"""HTTP/1.1 and WebSocket without I/O: bytes in, requests and messages out.

`connection` reads requests and writes responses, `websocket` takes over after an upgrade, and the
rest are the decisions between: routes, CORS, caching, who the client is.
"""
