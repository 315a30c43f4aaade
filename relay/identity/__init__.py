"""Who may do what: stream keys, API keys, and what becomes of wrong ones."""
