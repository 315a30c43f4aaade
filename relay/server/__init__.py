"""Listeners and sessions: what happens on a connection, from accept to its one log line."""
