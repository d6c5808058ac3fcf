"""Looks whether the secrets that a configuration names are there, before anything is written."""

from collections.abc import Iterator
from typing import Literal

from trunkline.configuration.owned import Owner
from trunkline.configuration.problems import Problem
from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.header_secrets import header_references
from trunkline.connections.secrets import Secrets

Missing = Literal["refused", "connections", "all"]
"""What may be missing where a file is applied: nothing; secrets of connections, whose calls then
fail at the provider; or also the texts of keys, where nothing will be written."""


async def read_key_texts(
    secrets: Secrets, file: ConfigurationFile, missing: Missing, problems: list[Problem]
) -> dict[str, str]:
    """The texts of all keys that name a secret, by path; what is missing becomes a problem."""
    texts: dict[str, str] = {}
    for number, organisation in enumerate(file.organisations):
        for position, key in enumerate(organisation.keys):
            path = f"organisations[{number}].keys[{position}]."
            if key.secret is not None:
                try:
                    texts[path] = await secrets.resolve(key.secret)
                except ValueError as error:
                    if missing != "all":
                        problems.append(Problem(f"{path}secret", str(error)))
    if missing == "refused":
        problems += await _missing_secrets(secrets, file)
    return texts


async def _missing_secrets(secrets: Secrets, file: ConfigurationFile) -> list[Problem]:
    problems = []
    for path, reference in _references(file):
        try:
            await secrets.resolve(reference)
        except ValueError as error:
            problems.append(Problem(path, str(error)))
    return problems


def _references(file: ConfigurationFile) -> Iterator[tuple[str, str]]:
    yield from _owned_references(file, "")
    for number, organisation in enumerate(file.organisations):
        yield from _owned_references(organisation, f"organisations[{number}].")


def _owned_references(owner: Owner, path: str) -> Iterator[tuple[str, str]]:
    for number, connection in enumerate(owner.connections):
        at = f"{path}connections[{number}]"
        if connection.secret is not None:
            yield f"{at}.secret", connection.secret
        for place, reference in enumerate(connection.secrets):
            yield f"{at}.secrets[{place}]", reference
        for name, reference in header_references(connection.headers).items():
            yield f"{at}.headers.{name}", reference
