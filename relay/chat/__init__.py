"""Chat: rooms, what is said in them, and who has read how far.

`chat` has what can be done in a room, `deciding` who may do it to which message, `message` what
stands in a room's log, `wording` what can be said at all.  `groups` are the rooms that the site has
made.
"""
