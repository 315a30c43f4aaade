"""Moderation: who may say what in a room, and who keeps order there.

`roles`, `modes`, `bans`, `words`, `links` and `slow` each decide one thing, beside no clock and no
store; `room` has all that holds in one room.  `rooms` are those of which something is known, `gate`
lets messages in or refuses them, `orders` and `sanctions` are what moderators do, to a room and to
somebody in it, and `purging` deletes what somebody has said, all of it.
"""
