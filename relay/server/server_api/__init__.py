"""Centrifugo's HTTP API for back ends, at `/api/METHOD`: its SDKs work unchanged.

Whoever calls it has an API key and is the operator.  What a method cannot do is an error in the
body of a 200, as the SDKs expect it; only what is no call at all has another status.
"""
