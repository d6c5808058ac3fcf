import json
from typing import Any

import ollama
import pytest
from tests.gateway.wire.serving import Given, serving

from trunkline.errors import InvalidRequest, NotFound
from trunkline.gateway.bare import FixedRoutes, NoGenerations, NoObserver, OneCaller
from trunkline.gateway.caller import Caller
from trunkline.gateway.exchange.destination import Traits
from trunkline.gateway.lookup import Lookup, LookupPorts, Question
from trunkline.gateway.models_ollama import list_local, list_running, show_model, tell_version
from trunkline.gateway.snapshot import Alias, Connection, Origin, Snapshot, Target
from trunkline.gateway.wire.registry import WIRES

OPENAI = Connection("c1", "openai", "openai", {"openai_chat": "/v1"}, Origin("http", "h", 1), ())
DIGEST = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def target(window: int | None = None, **traits: Any) -> Target:
    return Target(OPENAI, "m", None, context_window=window, traits=Traits(**traits))


ALIASES = (
    Alias("x", (target(8_000, thinking="effort"), target(4_000)), created=1),
    Alias("deaf", (target(8_000, refuses=frozenset({"tools", "image"})), target())),
    Alias("fill", (target(),), "completion"),
    Alias("embed", (target(),), "embedding"),
    Alias("draw", (target(),), "image"),
    Alias("secret", (target(),)),
    Alias("bare", ()),
)
SNAPSHOT = Snapshot("o", 1, {alias.name: alias for alias in ALIASES}, {"openai": OPENAI})
CALLER = Caller("o", "k", aliases=frozenset(SNAPSHOT.aliases) - {"secret"})


async def found(lookup: Lookup, body: bytes = b"") -> Any:
    """What a look-up finds, as JSON tells it."""
    ports = LookupPorts(
        OneCaller("key", CALLER), FixedRoutes(SNAPSHOT), NoGenerations(), NoObserver()
    )
    question = Question(CALLER, WIRES["ollama_chat"], None, ports, body=body)
    return json.loads(json.dumps(await lookup(question)))


async def test_the_list_has_what_the_key_may_use_and_ollama_can_ask_for() -> None:
    told = await found(list_local)
    assert [model["name"] for model in told["models"]] == ["bare", "deaf", "x", "embed", "fill"]
    assert told["models"][2] == {
        "name": "x",
        "model": "x",
        "modified_at": "1970-01-01T00:00:01Z",
        "size": 0,
        "digest": DIGEST,
        "details": {
            "parent_model": "",
            "format": "",
            "family": "openai",
            "families": ["openai"],
            "parameter_size": "",
            "quantization_level": "",
        },
        "capabilities": ["completion", "tools", "vision", "thinking"],
    }


@pytest.mark.parametrize(
    ("name", "window", "able"),
    [
        ("x", 4_000, ["completion", "tools", "vision", "thinking"]),
        ("deaf", None, ["completion"]),
        ("embed", None, ["embedding"]),
        ("fill", None, ["completion", "insert"]),
        ("bare", None, ["completion", "tools", "vision"]),
    ],
)
async def test_a_model_shows_its_context_and_what_it_can_do(
    name: str, window: int | None, able: list[str]
) -> None:
    told = await found(show_model, json.dumps({"model": name}).encode())
    family = told["details"]["family"]
    assert family == ("trunkline" if name == "bare" else "openai")
    assert told["model_info"].get(f"{family}.context_length") == window
    assert told["model_info"]["general.architecture"] == family
    assert told["capabilities"] == able
    assert (".Suffix" in told["template"]) == (name == "fill")


async def test_the_older_name_of_the_member_is_read_too() -> None:
    assert (await found(show_model, b'{"name":"x"}'))["modified_at"] == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize("name", ["secret", "draw", "nothing"])
async def test_what_the_key_may_not_use_is_not_there(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        await found(show_model, json.dumps({"model": name}).encode())
    assert refused.value.code == "model_not_found"


async def test_a_question_about_no_model_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        await found(show_model, b"{}")
    assert refused.value.param == "model"


async def test_ollamas_own_client_reads_all_of_it() -> None:
    answers = {
        "/api/tags": Given(json.dumps(await found(list_local)).encode()),
        "/api/ps": Given(json.dumps(await found(list_running)).encode()),
        "/api/show": Given(json.dumps(await found(show_model, b'{"model":"x"}')).encode()),
    }
    with serving(answers) as address, ollama.Client(address) as client:
        assert [model.model for model in client.list().models][:2] == ["bare", "deaf"]
        assert list(client.ps().models) == []
        shown = client.show("x")
    assert shown.capabilities == ["completion", "tools", "vision", "thinking"]
    assert shown.modelinfo == {
        "general.architecture": "openai",
        "general.basename": "x",
        "openai.context_length": 4_000,
    }


async def test_the_version_is_one_that_editors_talk_to() -> None:
    version = (await found(tell_version))["version"]
    assert tuple(int(number) for number in version.split(".")) >= (0, 6, 4)
