"""Fixtures that every room may ask for: real databases and servers."""

pytest_plugins = ["tests.services.postgresql", "tests.services.redis", "tests.services.databases"]
