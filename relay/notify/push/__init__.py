"""Web Push: a notification on the devices of those who follow a stream (RFC 8030)."""
