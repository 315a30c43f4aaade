"""Channels: what many connections follow that is no picture.

A channel is a feed of messages, and a connection is a cursor in it: live delivery, history and
recovery are one sequence of positions.  `channel` has the sequence, `hub` has all channels,
`rules` say who may.
"""
