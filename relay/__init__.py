"""Relay: the live back end of a streaming site in one Python process, on Trio."""
