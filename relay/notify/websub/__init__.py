"""Feeds of streams, and who has them pushed: WebSub (W3C recommendation), the hub's side of it."""
