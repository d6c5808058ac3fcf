"""How long requests and answers are taken to be."""

import base64
import math
from typing import Any

import pytest
from tests.gateway.routing.test_needs import chat, gemini, messages, spoken

from trunkline.gateway.routing.length import input_tokens_of, output_tokens_of
from trunkline.gateway.wire.contract import CHAT, EMBEDDING, MODERATION, RERANK, Inbound

DATA = base64.b64encode(bytes(300_000)).decode()
LINK = f"data:image/png;base64,{DATA}"
TEXT = {"type": "text", "text": "x" * 4_000}


def test_text_counts_by_its_bytes() -> None:
    asked = chat(messages=spoken(TEXT))
    assert input_tokens_of(asked) == math.ceil(asked.size / 4)
    asked.repeated = 4_000
    assert input_tokens_of(asked) == math.ceil(asked.size / 4) + 1_000


PICTURES: dict[str, tuple[Inbound, int]] = {
    "chat": (chat(messages=spoken(TEXT, {"type": "image_url", "image_url": {"url": LINK}})), 2),
    "messages": (
        messages(
            messages=spoken(
                TEXT,
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": DATA},
                },
            )
        ),
        1,
    ),
    "gemini": (
        gemini({"text": "x" * 4_000}, {"inlineData": {"mimeType": "image/png", "data": DATA}}),
        1,
    ),
}


@pytest.mark.parametrize("wire", PICTURES)
def test_pictures_count_by_their_number_and_not_by_their_bytes(wire: str) -> None:
    asked, marks = PICTURES[wire]
    assert asked.attachments == marks
    found = input_tokens_of(asked)
    assert 1_000 + marks * 1_200 < found < 1_100 + marks * 1_200


def test_two_pictures_are_both_left_out() -> None:
    picture = {"type": "image_url", "image_url": {"url": LINK}}
    asked = chat(messages=spoken(picture, TEXT, picture))
    assert input_tokens_of(asked) < 1_100 + 4 * 1_200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "data": 5}},
    ],
)
def test_short_data_and_links_are_text(part: Any) -> None:
    asked = chat(messages=spoken(part))
    assert input_tokens_of(asked) == math.ceil(asked.size / 4) + 2 * 1_200


def test_the_answer_is_as_long_as_asked_or_typical() -> None:
    assert output_tokens_of(chat(), CHAT, 500) == 500
    assert output_tokens_of(chat(max_tokens=7), CHAT, 500) == 7
    assert output_tokens_of(chat(max_tokens=7, n=3), CHAT, 500) == 21
    for operation in (EMBEDDING, RERANK, MODERATION):
        assert output_tokens_of(chat(max_tokens=7), operation, 500) == 0
