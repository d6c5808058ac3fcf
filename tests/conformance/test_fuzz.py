"""No input makes a 500, and what is refused never reaches a provider."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conformance.threaded import Served, serving
from tests.product.running import CHAT, MESSAGES

from trunkline.storage.sqlite import FILE_NAME

PATHS = (CHAT, MESSAGES, f"{MESSAGES}/count_tokens", f"/anthropic{MESSAGES}")
MODELS = {CHAT: "sim-fast"}
MANY = settings(max_examples=80)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    ("model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options", "n",
     "tools", "user", "metadata", "service_tier", "system", "temperature", "never_heard_of")
)  # fmt: skip
TOKENS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
VALUES = st.text(st.characters(codec="latin-1", min_codepoint=32), max_size=40)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Served]:
    """One product for all examples: what one leaves behind, the next ones meet."""
    directory = tmp_path_factory.mktemp("fuzz") / "data"
    directory.mkdir()
    shutil.copy(sqlite_template, directory / FILE_NAME)
    with serving(directory) as running:
        yield running
        with running.client() as client:
            assert client.get("/health/ready").status_code == 200
        assert running.product.front.known.admission.stats().leases == 0


def post(served: Served, path: str, content: bytes, **headers: str) -> httpx2.Response:
    sent = {"authorization": f"Bearer {served.key}", "content-type": "application/json"}
    before = served.seen
    with served.client() as client:
        answer = client.post(path, content=content, headers=sent | headers)
    assert_lawful(served, answer, before)
    return answer


def assert_lawful(served: Served, answer: httpx2.Response, before: int) -> None:
    """Never a 500; an attempt for each that is told, and none for what we refused ourselves."""
    assert answer.status_code in {200, *range(400, 500)}, answer.text
    assert served.seen - before == int(answer.headers.get("x-trunkline-attempts", "0"))
    if answer.status_code != 200:
        error = answer.json()["error"]
        assert error["message"]
        if served.seen == before:
            assert answer.headers["x-should-retry"] in {"true", "false"}
            assert error["code"]


@MANY
@given(path=st.sampled_from(PATHS), content=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(served: Served, path: str, content: bytes) -> None:
    assert post(served, path, content).status_code == 400


@MANY
@given(path=st.sampled_from(PATHS), document=DOCUMENTS)
def test_arbitrary_documents_are_refused(served: Served, path: str, document: Any) -> None:
    assert post(served, path, json.dumps(document).encode()).status_code == 400


@MANY
@given(
    path=st.sampled_from(PATHS),
    changes=st.dictionaries(MEMBERS, DOCUMENTS, min_size=1, max_size=3),
)
def test_requests_with_strange_members_are_answered_or_refused(
    served: Served, path: str, changes: dict[str, Any]
) -> None:
    document = {
        "model": MODELS.get(path, "claude-sim-fast"),
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 20,
        **changes,
    }
    post(served, path, json.dumps(document).encode())


@MANY
@given(path=st.sampled_from(PATHS), place=st.floats(0, 1), other=st.binary(max_size=4))
def test_a_request_with_a_hole_is_answered_or_refused(
    served: Served, path: str, place: float, other: bytes
) -> None:
    whole = json.dumps(
        {
            "model": MODELS.get(path, "claude-sim-fast"),
            "messages": [{"role": "user", "content": "hällo"}],
            "max_tokens": 20,
            "stream": True,
        },
        ensure_ascii=False,
    ).encode()
    cut = int(place * len(whole))
    post(served, path, whole[:cut] + other + whole[cut + len(other) + 1 :])


@MANY
@given(headers=st.dictionaries(TOKENS, VALUES, max_size=4), key=st.text(max_size=90))
def test_strange_headers_and_keys_make_no_500(
    served: Served, headers: dict[str, str], key: str
) -> None:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += ["host: t", f"authorization: Bearer {key}", "content-length: 0", "connection: close"]
    head = f"POST {CHAT} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    before = served.seen
    received = served.send(head.encode("utf-8", "replace"))
    assert b" 500 " not in received.split(b"\r\n", 1)[0]
    assert served.seen == before


@MANY
@given(
    method=st.sampled_from(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")),
    path=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40),
    prefix=st.sampled_from(("/", "/v1/", "/v1/models/", "/v1/generations/", "/api/me/", "/api/",
                            "/health/", "/anthropic/v1/")),
)  # fmt: skip
def test_strange_paths_and_methods_make_no_500(
    served: Served, method: str, path: str, prefix: str
) -> None:
    before = served.seen
    with served.client() as client:
        headers = {"authorization": f"Bearer {served.key}"}
        url = prefix + httpx2.QueryParams({"": path}).__str__()[1:]
        answer = client.request(method, url, headers=headers)
    assert answer.status_code in {200, *range(400, 500)}, (url, answer.text)
    assert served.seen == before


@MANY
@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_request_at_all_harm_nothing(served: Served, data: bytes) -> None:
    before = served.seen
    received = served.send(data)
    assert not received or received.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert served.seen == before


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"messages":[{"content":'])
def test_deep_nesting_is_refused(served: Served, path: str, opening: bytes) -> None:
    assert post(served, path, opening * 100_000).status_code == 400
    closing = {b"[": b"]"}.get(opening, b"}")
    assert post(served, path, opening * 50_000 + b"1" + closing * 50_000).status_code == 400


@pytest.mark.parametrize("path", PATHS)
def test_bad_utf8_and_wrong_types_of_content_are_refused(served: Served, path: str) -> None:
    bad = b'{"model": "sim-fast", "messages": [{"role": "user", "content": "\xff\xfe"}]}'
    assert post(served, path, bad).json()["error"]["code"] == "invalid_encoding"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert post(served, path, b"model=sim-fast", **form).status_code == 415
