"""What must outlive the process: durable channels, and what the site says of its streams."""
