"""When an answer may be one that was given before: who decides, and what can be kept at all."""

import json
from typing import Any

import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.recall.policy import LARGEST_REQUEST, Terms, can_be_kept, terms_of
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import Inbound
from trunkline.gateway.wire.registry import WIRES

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
CARRIED = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def read(wire: str = "openai_chat", operation: str = "chat", **members: Any) -> Inbound:
    """A request of this wire."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    return WIRES[wire].read_request(json.dumps(body).encode(), operation)


def terms(
    request: str | None = None,
    key: bool | None = None,
    alias: bool | None = None,
    *,
    default: bool = False,
) -> Terms | None:
    """What holds for a plain request of which these say these."""
    headers = {} if request is None else {b"x-trunkline-cache": request.encode()}
    return terms_of(
        Caller("org", "key", cache=key),
        Alias("m", (), cache=CachePolicy(enabled=alias)),
        read(),
        headers,
        "chat",
        default=default,
    )


@pytest.mark.parametrize(
    ("request_", "key", "alias", "default", "on"),
    [
        (None, None, None, False, False),
        (None, None, None, True, True),
        (None, None, True, False, True),
        (None, None, False, True, False),
        (None, True, None, False, True),
        (None, True, False, True, False),
        (None, False, True, True, False),
        ("on", None, None, False, True),
        ("on", False, None, False, True),
        ("on", True, False, True, False),
        ("refresh", None, None, False, True),
        ("refresh", True, False, True, False),
        ("off", True, True, True, False),
        ("max-age=5", None, None, False, False),
        ("max-age=5", None, True, False, True),
        ("", None, True, False, True),
    ],
)
def test_the_most_particular_decides_and_an_alias_can_forbid(
    request_: str | None, key: bool | None, alias: bool | None, *, default: bool, on: bool
) -> None:
    assert (terms(request_, key, alias, default=default) is not None) is on


def test_a_request_says_how_old_an_answer_may_be() -> None:
    assert terms("on") == Terms()
    assert terms(" ON , Max-Age = 60 ") == Terms(max_age=60)
    assert terms("refresh") == Terms(looks=False)


@pytest.mark.parametrize("said", ["yes", "on, max-age", "max-age=-1", "max-age=x", "on off"])
def test_what_a_request_says_must_be_known(said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        terms(said)
    assert refused.value.code == "invalid_cache_header"


CONTENT = {"role": "user", "parts": [{"text": "Hi"}]}


@pytest.mark.parametrize(
    ("request_", "operation", "kept"),
    [
        (read(), "chat", True),
        (read(), "embedding", True),
        (read(), "count_tokens", False),
        (read(), "image", False),
        (read(), "speech", False),
        (read(), "transcription", False),
        (read(store=True), "chat", False),
        (read(store=False), "chat", True),
        (read(messages=[{"role": "user", "content": [PICTURE]}]), "chat", False),
        (read(messages=[{"role": "user", "content": [CARRIED]}]), "chat", True),
        (read("anthropic_messages", max_tokens=9, container="container_1"), "chat", False),
        (read("anthropic_messages", max_tokens=9, container=None), "chat", True),
        (read("gemini", contents=[CONTENT], cachedContent="cachedContents/1"), "chat", False),
        (read("gemini", contents=[CONTENT], cached_content="cachedContents/1"), "chat", False),
        (read("gemini", contents=[CONTENT], cachedContent=""), "chat", True),
        (read("openai_responses", input="Hi"), "chat", False),
        (read("openai_responses", input="Hi", store=False), "chat", True),
        (read("openai_responses", input="Hi", store=False, background=False), "chat", True),
        (
            read("openai_responses", input="Hi", store=False, tools=[{"type": "web_search"}]),
            "chat",
            False,
        ),
        (
            read(
                "anthropic_messages",
                max_tokens=9,
                tools=[{"type": "web_search_20250305", "name": "web_search"}],
            ),
            "chat",
            False,
        ),
    ],
)
def test_only_what_is_whole_in_itself_is_kept(
    request_: Inbound, operation: str, *, kept: bool
) -> None:
    assert can_be_kept(request_, operation) is kept


def test_what_cannot_be_compared_quickly_is_not_kept() -> None:
    text = "x" * LARGEST_REQUEST
    assert not can_be_kept(read(messages=[{"role": "user", "content": text}]), "chat")


@pytest.mark.parametrize(
    "changes",
    [
        {"form": b"--x"},
        {"background": True},
        {"keeps": True},
        {"continues": "resp_1"},
        {"references": ("item_1",)},
        {"searches": True},
        {"stand_ins": {"[EMAIL_1]": "a@example.com"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_more_than_its_bytes_is_not_kept(changes: dict[str, Any]) -> None:
    request = read()
    for name, value in changes.items():
        setattr(request, name, value)
    assert not can_be_kept(request, "chat")
