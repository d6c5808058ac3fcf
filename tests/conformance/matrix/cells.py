"""Ties a test to the cells of the matrix that it proves."""

import pytest
from tests.conformance.matrix.table import BY_NAME


def cells(client: str, deed: str) -> pytest.MarkDecorator:
    """Run a test once for each ``provider`` with which this client can do this deed."""
    row = BY_NAME[client]
    if deed not in row.kind.deeds:
        raise ValueError(f"{client} has no deed {deed}")
    return pytest.mark.parametrize(
        "provider",
        [
            pytest.param(provider, id=f"{client} to {provider}: {deed}")
            for provider in row.proven_with(deed)
        ],
    )
