"""Durable Streams at `/v1/stream/CHANNEL`: a channel as a stream that is read by its offsets.

The protocol is PROTOCOL.md of durable-streams/durable-streams; `relay.messages.durable_*` say what
its headers, bodies and events mean, and the modules here say it to the hub, one for each verb.
Forks and subscriptions are not served.
"""
