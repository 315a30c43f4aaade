"""A broadcast: what is decided about it (pure) and what runs it."""
