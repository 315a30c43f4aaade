"""Broadcasts that are kept: what is recorded, how it lies on the disk, and how long it stays."""
