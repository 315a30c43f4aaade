"""Went live: what is announced of streams, and who is told of it, here and at other sites."""
