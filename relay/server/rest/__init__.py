"""Relay's own HTTP API, a file for each resource."""
