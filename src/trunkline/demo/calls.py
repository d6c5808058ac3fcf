"""The calls that the demo makes of itself, so that usage, logs and metrics show something."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

QUESTIONS = (
    ("gpt-4o-mini", "Name three uses of a lighthouse."),
    ("gpt-4o", "Why do budgets need holds?"),
    ("sim-fast", "Explain back-pressure in one sentence."),
    ("gemini-2.5-flash", "What is a commit point?"),
    ("claude-haiku-4-5", "Write a haiku about queues."),
    ("claude-sonnet-4-5", "What is the difference between a limit and a quota?"),
)
TIMEOUT = 30.0


async def make_example_calls(base_url: str, api_key: str) -> int:
    """Ask all questions, streamed and not; how many were answered."""

    async def ask(number: int, model: str, question: str) -> int:
        wire = "messages" if model.startswith("claude") else "chat/completions"
        document: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": 200,
            "stream": number % 2 == 1,
        }
        return await asyncio.to_thread(_post, f"{base_url}/v1/{wire}", api_key, document)

    asked = (ask(number, *question) for number, question in enumerate(QUESTIONS))
    return (await asyncio.gather(*asked)).count(200)


def _post(url: str, api_key: str, document: dict[str, Any]) -> int:
    request = urllib.request.Request(  # noqa: S310 - our own address on the loopback
        url,
        data=json.dumps(document).encode(),
        headers={"authorization": f"Bearer {api_key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
