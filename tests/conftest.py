"""Fixtures that every room may ask for: real databases and servers."""

from hypothesis import settings

pytest_plugins = ["tests.services.postgresql", "tests.services.redis", "tests.services.databases"]

# A machine under load must not fail a property that holds.
settings.register_profile("trunkline", deadline=None)
settings.load_profile("trunkline")
