"""The table of cells and the tests beside it say the same."""

import importlib
from pathlib import Path

import pytest
from tests.conformance.matrix.client import CHAT, KINDS, MEANINGS, Client
from tests.conformance.matrix.rows import anthropic, openai
from tests.conformance.matrix.table import BY_NAME, CLIENTS

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def cells_of_tests() -> set[str]:
    """The ids of all cells that some test in this folder is run for."""
    found: set[str] = set()
    for path in HERE.glob("test_*.py"):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, function in vars(module).items():
            if name.startswith("test_"):
                found |= cells_of(function)
    return found


def cells_of(function: object) -> set[str]:
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    values = [value for mark in marks if mark.args[0] == "provider" for value in mark.args[1]]
    # Plain values are those of a test beside the matrix.
    return {str(value.id) for value in values if hasattr(value, "id")}


def test_every_cell_that_the_table_claims_has_a_test_and_no_other_has() -> None:
    claimed = {
        f"{client.name} to {provider}: {deed}"
        for client in CLIENTS
        for deed in client.kind.deeds
        for provider in client.proven_with(deed)
    }
    assert cells_of_tests() == claimed


def test_every_client_is_shown_with_three_providers_and_the_first_two_with_all() -> None:
    assert len(BY_NAME) == len(CLIENTS)
    assert {
        client.name: len(client.providers) for client in CLIENTS if len(client.providers) < 3
    } == {}
    for client in (openai.CLIENTS[0], openai.CLIENTS[1], anthropic.CLIENTS[0]):
        assert (client.providers, dict(client.cannot)) == (CHAT.providers, {})


def test_every_deed_has_a_meaning() -> None:
    assert {deed for kind in KINDS for deed in kind.deeds} == MEANINGS.keys()


def test_a_row_that_names_a_cell_which_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no cell gemini, vectors"):
        Client("a", "a", "openai_chat", CHAT, {("gemini", "vectors"): "it sings"})
    with pytest.raises(ValueError, match="no cell nobody, text"):
        Client("a", "a", "openai_chat", CHAT, {("nobody", "text"): "it sings"})
