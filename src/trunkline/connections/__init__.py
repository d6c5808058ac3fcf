"""Provider accounts and published models: the configuration service."""
