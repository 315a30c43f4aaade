"""Chat: rooms, what is said in them, and who has read how far.

`chat` has what can be said in a room, `changing` what can be done to it later, `deciding` who may
do it to which message, `message` what stands in a room's log, `wording` what can be said at all,
and `marks` how far users have read.  `groups` are the rooms that the site has made.
"""
