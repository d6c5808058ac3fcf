"""No JSON makes a 500 on any route, and every refusal is in the route's own wire."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conformance.client_wires import error_of
from tests.conformance.threaded import Served, serving

from trunkline.gateway.routes import ROUTES, Route
from trunkline.storage.sqlite import FILE_NAME

MODEL = "sim-fast"
_TURNS = [{"role": "user", "content": "hello"}]
_CONTENTS = [{"parts": [{"text": "hello"}]}]
GOOD: Mapping[str, Mapping[str, Any]] = {
    "openai_chat": {"messages": _TURNS},
    "openai_responses": {"input": "hello"},
    "openai_completions": {"prompt": "hello"},
    "mistral_fim": {"prompt": "hello"},
    "anthropic_messages": {"messages": _TURNS, "max_tokens": 20},
    "gemini": {"contents": _CONTENTS},
    "gemini_embeddings": {"content": _CONTENTS[0], "requests": [{"content": _CONTENTS[0]}]},
    "ollama_chat": {"messages": _TURNS},
    "ollama_generate": {"prompt": "hello"},
    "ollama_embed": {"input": ["hello"]},
    "ollama_embeddings": {"prompt": "hello"},
    "cohere_chat": {"messages": _TURNS},
    "cohere_embed": {"texts": ["hello"], "input_type": "search_query"},
    "cohere_rerank": {"query": "hello", "documents": ["a", "b"]},
    "jina_rerank": {"query": "hello", "documents": ["a", "b"]},
    "voyage_rerank": {"query": "hello", "documents": ["a", "b"]},
    "voyage_embeddings": {"input": ["hello"]},
    "openai_embeddings": {"input": ["hello"]},
    "openai_images": {"prompt": "hello"},
    "openai_speech": {"input": "hello", "voice": "alloy"},
    "openai_moderation": {"input": "hello"},
}
"""What each wire's smallest request holds beside its model."""
CALLS = list(
    {
        (route.wire, route.operation): route
        for route in ROUTES
        if route.method == "POST" and route.operation and route.reads == (b"application/json",)
    }.values()
)
"""One route for each wire and operation that takes JSON."""
MEMBERS = st.sampled_from(
    sorted(
        {name for members in GOOD.values() for name in members}
        | {"model", "stream", "tools", "tool_choice", "options", "format", "think", "system",
           "systemInstruction", "generationConfig", "toolConfig", "suffix", "n", "stop", "user",
           "metadata", "reasoning", "response_format", "text", "instructions", "thinking",
           "dimensions", "encoding_format", "top_n", "top_k", "never_heard_of"}
    )
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["text", "user", "assistant", "tool", "function", "image_url", "auto"])
    | st.text(max_size=12)
)
NAMES = st.sampled_from(
    ["role", "content", "parts", "text", "type", "name", "tool_calls", "function", "arguments",
     "functionCall", "functionResponse", "inlineData", "id", "tool_call_id", "source", "input"]
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=10,
)
MANY = settings(max_examples=12)
EACH_ROUTE = pytest.mark.parametrize("route", CALLS, ids=lambda route: route.path)


class Door(NamedTuple):
    """A running product and a client on connections that stay open."""

    served: Served
    client: httpx2.Client


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Door]:
    """One product for all examples: what one leaves behind, the next ones meet."""
    directory = tmp_path_factory.mktemp("fuzz") / "data"
    directory.mkdir()
    shutil.copy(sqlite_template, directory / FILE_NAME)
    with serving(directory) as running, running.client() as client:
        yield Door(running, client)
        assert client.get("/health/ready").status_code == 200
        assert running.product.front.known.admission.stats().leases == 0


def post(door: Door, route: Route, document: Any) -> httpx2.Response:
    served, client = door
    sent = {"authorization": f"Bearer {served.key}", "content-type": "application/json"}
    path = route.path.replace("{id}", MODEL)
    before = served.seen
    answer = client.post(path, content=json.dumps(document).encode(), headers=sent)
    assert answer.status_code in {200, *range(400, 500)}, answer.text
    if answer.status_code != 200 and served.seen == before:
        assert error_of(route.wire.name, answer.json())
        assert answer.headers["x-should-retry"] in {"true", "false"}
    return answer


def test_every_wire_of_a_route_has_a_good_request() -> None:
    assert {route.wire.name for route in CALLS} == GOOD.keys()


@EACH_ROUTE
@MANY
@given(document=DOCUMENTS)
def test_arbitrary_documents_are_refused_in_the_routes_own_wire(
    door: Door, route: Route, document: Any
) -> None:
    before = door.served.seen
    answer = post(door, route, document)
    assert answer.status_code in {400, 404}
    # A moderation names no model where OpenAI's own will do, and passes as it came.
    assert route.wire.name == "openai_moderation" or door.served.seen == before


@EACH_ROUTE
@MANY
@given(changes=st.dictionaries(MEMBERS, DOCUMENTS, min_size=1, max_size=3))
def test_strange_members_are_answered_or_refused_in_the_routes_own_wire(
    door: Door, route: Route, changes: dict[str, Any]
) -> None:
    post(door, route, {"model": MODEL, **GOOD[route.wire.name], **changes})


@EACH_ROUTE
@MANY
@given(place=st.integers(0, 2), stranger=DOCUMENTS)
def test_strange_turns_are_answered_or_refused_in_the_routes_own_wire(
    door: Door, route: Route, place: int, stranger: Any
) -> None:
    """Something strange among what the request is about."""
    document = {"model": MODEL, **GOOD[route.wire.name]}
    name = next(iter(GOOD[route.wire.name]))
    good = document[name]
    turns = [*good, *good] if isinstance(good, list) else [good, good]
    post(door, route, {**document, name: [*turns[:place], stranger, *turns[place:]]})
