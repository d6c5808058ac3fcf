"""The versions of the schema, a linear chain in the order of their numbers."""
