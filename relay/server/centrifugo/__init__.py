"""`/connection/websocket`: the Centrifugo client protocol over WebSocket.

`session` is one connection: `reading` takes in what it says, `answering` has what is answered to
each command, `subscription` what it follows.  `sessions` knows them all by user, `pings` asks
whether they are there, `deadlines` ends what has expired.
"""
