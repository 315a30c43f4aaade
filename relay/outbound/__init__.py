"""Everything that leaves: one client, for webhooks, Web Push and whatever else calls others."""
