"""Two configurations that differ in every part, and what tells them apart in an answer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from tests.product.offer import KeyChain
from tests.simulator.raw import Raw

from trunkline.ledger.rows import Row
from trunkline.simulator.ledger import SeenAttempt

Letter = Literal["a", "b"]
LETTERS: tuple[Letter, Letter] = ("a", "b")
ALIAS = "marked"
KEPT = "kept"
"""Its answers are kept, so that most of its requests are answered without an attempt."""
PASSED = "first/sim-both"
"""A model that nobody published: its target is made from the connection's name."""

_CEILINGS = {"a": 20, "b": 26}
_LIMITS = {"a": 1_000_000, "b": 2_000_000}
_PRICES = {"a": "0.5", "b": "0.7"}
_TARGETS = {"a": "first", "b": "second"}
_WORDS = "one two three four five six seven eight nine ten " * 4


def document(letter: Letter, simulator_url: str, chain: KeyChain) -> dict[str, Any]:
    """The whole configuration of an organisation; there is no part that both have in common."""
    secret = chain.provider_secret()
    connections = [
        {
            "name": name, "provider": "openai", "base_url": f"{simulator_url}/v1",
            "secret": secret, "cancels_on_close": True, "headers": {"anthropic-beta": letter},
        }
        for name in _TARGETS.values()
    ]  # fmt: skip
    guardrail = {
        "name": "personal", "kind": "pii", "action": "redact", "way": "in",
        "pii": {"entities": ["email"], "placeholder": f"<{letter}>"},
    }  # fmt: skip
    models = [
        {
            "name": name,
            "targets": [{"connection": _TARGETS[letter], "model": "sim-both"}],
            "max_tokens": _CEILINGS[letter],
            "guardrails": ["personal"],
            "cache": {"enabled": letter == "a" or name == KEPT},
        }
        for name in (ALIAS, KEPT)
    ]
    key = {"name": "app", "tags": {"letter": letter}, "secret": chain.reference("acme", "app")}
    rate = _PRICES[letter]
    section = {
        "slug": "acme", "keys": [key], "connections": connections, "guardrails": [guardrail],
        "models": [*models, *_switched(letter)],
        "prices": [{"provider": "openai", "model": "*", "input": rate, "output": rate}],
        "limits": [{"counts": "requests", "amount": _LIMITS[letter]}],
        "budgets": [{"name": "all", "amount": "1000.00", "window": "total"}],
    }  # fmt: skip
    return {"version": 1, "organisations": [section]}


def _switched(letter: Letter) -> list[dict[str, Any]]:
    """Models whose first target takes requests in ``a`` only."""
    return [
        {
            "name": name,
            "targets": [
                {
                    "connection": "first", "model": "sim-slow",
                    "state": "active" if letter == "a" else state,
                },
                {"connection": "second", "model": "sim-both"},
            ],
        }
        for name, state in (("drained", "draining"), ("switched", "disabled"))
    ]  # fmt: skip


def write_documents(directory: Path, simulator_url: str, chain: KeyChain) -> list[Path]:
    """A file for each letter, as an operator would have it. JSON is YAML, too."""
    paths = []
    for letter in LETTERS:
        path = directory / f"{letter}.yaml"
        path.write_text(json.dumps(document(letter, simulator_url, chain)))
        paths.append(path)
    return paths


def words(number: int = 0) -> str:
    """A text that is unlike all others, and as long as they are, with something to be redacted."""
    return f"say to ann@example.com {number:06} {_WORDS}"


class Marks(msgspec.Struct, frozen=True):
    """The letters that one request shows, each from another part of the configuration."""

    guardrail: str
    ceiling: str
    cache: str
    limit: str
    key: str
    connection: str
    secret_header: str
    price: str

    @property
    def letter(self) -> Letter | None:
        """The configuration that served it, or None when there were several."""
        shown = {letter for letter in msgspec.structs.astuple(self) if letter}
        found: Letter
        for found in LETTERS:
            if shown == {found}:
                return found
        return None


def read_marks(
    answer: Raw, row: Row | None, seen: SeenAttempt | None, connections: Mapping[str, str]
) -> Marks:
    """What one answer, its ledger row and the provider show; empty where a part has no say.

    Args:
        answer: as the client got it.
        row: of its attempt, or None where it was given again.
        seen: the attempt as the provider saw it.
        connections: names by identifier.
    """
    body, headers = answer.json(), answer.headers
    text = body["choices"][0]["message"]["content"]
    used = headers.get("x-trunkline-cache")
    published = row is None or row["alias"] in {ALIAS, KEPT}
    own = row is not None and row["alias"] == ALIAS
    return Marks(
        guardrail=_of(text.removeprefix("to ")[1:2], {"a": "a", "b": "b"}) if published else "",
        ceiling=_of(body["usage"]["completion_tokens"], _CEILINGS) if published else "",
        cache=("b" if used is None else "a") if own else "",
        limit=_of(int(headers["x-ratelimit-limit-requests"]), _LIMITS),
        key="" if row is None else dict(row["tags"] or ()).get("letter", "?"),
        connection=(
            _of(connections.get(row["connection_id"]), _TARGETS) if row and published else ""
        ),
        secret_header="" if seen is None else seen.headers.get("anthropic-beta", "?"),
        price="" if row is None else _price(row),
    )


def _price(row: Row) -> str:
    tokens = row["input"] + row["output"]
    return _of(row["cost_nano"], {letter: _cost(tokens, rate) for letter, rate in _PRICES.items()})


def _of(value: object, by_letter: Mapping[str, object]) -> str:
    """The letter of a value."""
    return next((letter for letter, known in by_letter.items() if known == value), "?")


def _cost(tokens: int, rate: str) -> int:
    """Nano-dollars at so many dollars for a million tokens."""
    return -(-tokens * int(float(rate) * 1000))
