"""The heart: feeds, their followers, the outlets they are written to, and the pump that does it."""
