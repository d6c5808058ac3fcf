"""OpenAI Responses: the wire, and what it keeps between requests."""

from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.models import WireName
from trunkline.simulator.openai.items import Item, read_items
from trunkline.simulator.openai.responses_document import finished, running, wanted_of
from trunkline.simulator.openai.responses_request import read_response
from trunkline.simulator.openai.responses_stream import ResponseStream, event_bytes
from trunkline.simulator.openai.stored import StoredResponse, StoredResponses
from trunkline.simulator.openai.wire import OpenAiWire, error_of, invalid, pretty
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.script import Step
from trunkline.simulator.wire import Breakage, ChatWire, CountingWire, Telling

_MOST_LISTED = 100
_LISTED = 20


class Responses(OpenAiWire, ChatWire, CountingWire):
    """``/v1/responses``; its state are the responses that were asked for with ``store``."""

    name: WireName = "openai_responses"

    def __init__(self) -> None:
        self._stored = StoredResponses()

    @override
    def read(self, asked: Asked) -> Question:
        return read_response(asked.body, self._stored)

    @override
    def count(self, asked: Asked) -> tuple[Question, bytes]:
        question = read_response(asked.body, self._stored)
        counted = {"object": "response.input_tokens", "input_tokens": question.input_tokens}
        return question, pretty(counted)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.automatic(scope, question.prompt)

    @override
    def events(self, telling: Telling) -> list[Step]:
        return list(ResponseStream(telling).steps())

    @override
    def body(self, telling: Telling) -> bytes:
        return pretty(finished(telling))

    @override
    def remember(self, telling: Telling) -> None:
        wanted = wanted_of(telling)
        if wanted.store:
            document = finished(msgspec.structs.replace(telling, with_usage=True))
            output = read_items(
                [msgspec.Raw(msgspec.json.encode(one)) for one in document["output"]]
            )
            self._stored.keep(StoredResponse(document, wanted.items, output))

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        """The error, then the response that failed by it."""
        error = error_of(breakage.refusal)
        number = breakage.events
        told = {"type": "error", "sequence_number": number, "error": error}
        if breakage.telling is None:
            return (event_bytes(told),)
        response = running(breakage.telling, "failed")
        response["error"] = {"code": error["code"], "message": error["message"]}
        failed = {
            "type": "response.failed",
            "sequence_number": number + 1,
            "response": response,
        }
        return event_bytes(told), event_bytes(failed)

    def show(self, asked: Asked) -> bytes:
        """A response that was kept.

        Raises:
            Refusal: it was not.
        """
        return pretty(self._kept(asked).document)

    def delete(self, asked: Asked) -> bytes:
        """Forget a response.

        Raises:
            Refusal: there is none to forget.
        """
        ident = self._kept(asked).document["id"]
        self._stored.forget(ident)
        return pretty({"id": ident, "object": "response", "deleted": True})

    def cancel(self, asked: Asked) -> bytes:
        """Refuse to cancel: all responses of the simulator are over when their id is known.

        Raises:
            Refusal: always.
        """
        self._kept(asked)
        raise invalid("Cannot cancel a synchronous response.")

    def input_items(self, asked: Asked) -> bytes:
        """The items that led to a response, a page at a time, newest first unless asked otherwise.

        Raises:
            Refusal: the response was not kept, or the page makes no sense.
        """
        kept = self._kept(asked)
        shown = [_shown(item, number) for number, item in enumerate(kept.input)]
        if asked.query.get("order", "desc") == "desc":
            shown.reverse()
        after = asked.query.get("after")
        if after is not None:
            places = [number for number, item in enumerate(shown) if item["id"] == after]
            if not places:
                raise invalid(f"Item with id '{after}' not found.", "after")
            shown = shown[places[0] + 1 :]
        page = shown[: _limit(asked)]
        return pretty(
            {
                "object": "list",
                "data": page,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": len(page) < len(shown),
            }
        )

    def _kept(self, asked: Asked) -> StoredResponse:
        ident = asked.params["response"]
        kept = self._stored.find(ident)
        if kept is None:
            message = f"Response with id '{ident}' not found."
            raise Refusal(404, "invalid_request_error", message)
        return kept


def _limit(asked: Asked) -> int:
    wanted = asked.query.get("limit", str(_LISTED))
    if not wanted.isdecimal() or not 1 <= int(wanted) <= _MOST_LISTED:
        raise invalid(
            f"Invalid 'limit': expected an integer from 1 to {_MOST_LISTED}, but got '{wanted}' "
            "instead.",
            "limit",
        )
    return int(wanted)


def _shown(item: Item, number: int) -> dict[str, Any]:
    """An item with the id and the type that OpenAI gives to those that came without."""
    document = {"id": f"{_prefix(item)}_{number:024d}", "type": item.type, **item.document}
    if item.type == "message":
        document.setdefault("status", "completed")
        if isinstance(document["content"], str):
            kind = "output_text" if item.role == "assistant" else "input_text"
            document["content"] = [{"type": kind, "text": document["content"]}]
    return document


def _prefix(item: Item) -> str:
    return {"message": "msg", "function_call_output": "fco"}.get(item.type, "item")
