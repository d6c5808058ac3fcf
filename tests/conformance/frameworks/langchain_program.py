"""A program of a LangChain user: ``langchain_program.py BASE_URL KEY CHAT_MODEL EMBEDDING_MODEL``.

Runs in an environment of its own, reads what to ask from its input and prints what it got as JSON.
"""

import json
import sys
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr


class Place(BaseModel):
    """Where something is."""

    city: str
    inhabitants: int


def get_weather(city: str, unit: str) -> str:
    """Tell the weather of a place."""
    return f"17 degrees {unit} in {city}"


def tool_turns(model: ChatOpenAI, calling: str) -> dict[str, Any]:
    """A call and the answer to its result."""
    able = model.bind_tools([get_weather])
    talk: list[Any] = [HumanMessage(calling)]
    first: Any = able.invoke(talk)
    (call,) = first.tool_calls
    talk += [first, ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])]
    second: Any = able.invoke(talk)
    return {"call": [call["name"], call["args"]], "answered": bool(second.text)}


def main() -> None:
    """Ask everything and print it."""
    base_url, key, chat, embedding = sys.argv[1:]
    asked = json.load(sys.stdin)
    model = ChatOpenAI(model=chat, base_url=base_url, api_key=SecretStr(key), max_retries=0)
    whole: Any = model.invoke(asked["question"])
    pieces: list[Any] = list(model.stream(asked["question"]))
    place = model.with_structured_output(Place).invoke("Where?")
    vectors = OpenAIEmbeddings(
        model=embedding,
        base_url=base_url,
        api_key=SecretStr(key),
        # As LangChain's documentation says for models that are not OpenAI's own.
        check_embedding_ctx_length=False,
    ).embed_documents(asked["texts"])
    told = {
        "text": whole.text,
        "counted": whole.usage_metadata["total_tokens"] > 0,
        "streamed": "".join(piece.text for piece in pieces),
        "pieces": len([piece for piece in pieces if piece.text]) > 1,
        "tools": tool_turns(model, asked["calling"]),
        "structured": isinstance(place, Place),
        "vectors": vectors,
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
