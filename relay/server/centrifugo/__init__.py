"""`/connection/websocket`: the Centrifugo client protocol over WebSocket.

`session` is one connection, `answering` what it answers to each command, `subscription` what it
follows.  `sessions` knows them all by user, `pings` asks whether they are there, `deadlines` ends
what has expired.
"""
