"""A program of a Pydantic AI user: ``pydantic_ai_program.py BASE_URL KEY API MODEL``.

Runs in an environment of its own, reads what to ask from its input and prints what it got as JSON.
"""

import asyncio
import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider


class Place(BaseModel):
    """Where something is."""

    city: str
    inhabitants: int


def model_for(api: str, name: str, base_url: str, key: str) -> Model:
    """The model as Pydantic AI's documentation sets it up for another address."""
    openai = OpenAIProvider(base_url=f"{base_url}/v1", api_key=key)
    match api:
        case "chat":
            return OpenAIChatModel(name, provider=openai)
        case "responses":
            return OpenAIResponsesModel(name, provider=openai)
        case "anthropic":
            anthropic = AnthropicProvider(base_url=base_url, api_key=key)
            return AnthropicModel(name, provider=anthropic)
        case _:
            return GoogleModel(name, provider=GoogleProvider(base_url=base_url, api_key=key))


async def tool_turns(model: Model, calling: str) -> dict[str, Any]:
    """A call and the answer to its result."""
    calls = []

    def get_weather(city: str, unit: str) -> str:
        calls.append(["get_weather", {"city": city, "unit": unit}])
        return f"17 degrees {unit} in {city}"

    agent: Any = Agent(model, tools=[get_weather])
    answer = await agent.run(calling)
    (call,) = calls
    return {"call": call, "answered": bool(answer.output)}


async def main() -> None:
    """Ask everything and print it."""
    base_url, key, api, name = sys.argv[1:]
    asked = json.load(sys.stdin)
    model = model_for(api, name, base_url, key)
    agent: Any = Agent(model)
    whole = await agent.run(asked["question"])
    async with agent.run_stream(asked["question"]) as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    placed: Any = await Agent(model, output_type=Place).run("Where?")
    told = {
        "text": whole.output,
        "counted": whole.usage.total_tokens > 0,
        "streamed": "".join(pieces),
        "pieces": len([piece for piece in pieces if piece]) > 1,
        "tools": await tool_turns(model, asked["calling"]),
        "structured": isinstance(placed.output, Place),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
