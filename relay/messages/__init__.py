"""What clients of channels speak, without I/O: bytes to requests, publications to bytes.

A module, or a few with one prefix, for each protocol.  None of them knows channels, connections or
time; they are given what they need, and what a peer gets wrong is a `FormatError`.
"""
