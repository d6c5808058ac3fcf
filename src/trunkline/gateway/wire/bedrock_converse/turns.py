"""Turns that alternate, and calls that are each answered in the turn after them."""

from typing import Any, Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document

# Source: prompt caching of Claude and Nova on Bedrock, which take as many checkpoints at most.
_MOST_MARKS: Final = 4
_UNANSWERED: Final = "No result was given for this call."


class Turns:
    """Collects blocks into turns. The state is the turns of one request."""

    __slots__ = ("_losses", "_turns")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._turns: list[Document] = []

    def __bool__(self) -> bool:
        """Whether anybody has said anything."""
        return bool(self._turns)

    @property
    def last_role(self) -> str | None:
        """Who spoke last."""
        return self._turns[-1]["role"] if self._turns else None

    def add(self, role: str, blocks: list[Document]) -> None:
        """Continue the turn of this role, or begin one."""
        if not blocks:
            return
        if self.last_role == role:
            self._turns[-1]["content"] += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def finish(self) -> list[Document]:
        """The turns in order, every call answered and every result after its call."""
        self._answer_last_speaker()
        for index, turn in enumerate(self._turns):
            if turn["role"] == "user":
                before = self._turns[index - 1] if index else {"role": "", "content": []}
                self._settle(turn, _calls_of(before))
        self._trim_prefill()
        return self._turns

    def _answer_last_speaker(self) -> None:
        """A later system prompt may stand between a call and its results, where none may."""
        settled: list[Document] = []
        for turn in self._turns:
            before = settled[-1] if settled else None
            if turn["role"] == "system" and before is not None and _calls_of(before):
                settled.append({"role": "user", "content": []})
            settled.append(turn)
        self._turns = settled

    def _settle(self, turn: Document, calls: list[str]) -> None:
        """Results first and in one for each call, then what else is said."""
        open_calls = dict.fromkeys(calls)
        results: list[Document] = []
        others: list[Document] = []
        takes_mark = others
        for block in turn["content"]:
            if "cachePoint" in block:
                # A mark belongs to the block before it, wherever that one goes.
                takes_mark.append(block)
                continue
            result = block.get("toolResult")
            if result is None:
                takes_mark = others
                others.append(block)
            elif result["toolUseId"] in open_calls:
                del open_calls[result["toolUseId"]]
                takes_mark = results
                results.append(block)
            else:
                takes_mark = others
                others += self._orphan(result)
        unanswered = [_failure(call) for call in open_calls]
        if unanswered:
            self._losses.lose("tool_calls", "calls without a result are answered by a failure")
        turn["content"] = [*unanswered, *results, *_with_prompt(others, results)]

    def _orphan(self, result: Document) -> list[Document]:
        """What a tool said whose call is not there, as plain content: no result may be alone."""
        self._losses.lose("tool_result", "the call that it answers is not in the turn before it")
        content: list[Document] = result["content"]
        return content

    def _trim_prefill(self) -> None:
        """An answer that the model shall continue must not end in blanks."""
        if self.last_role == "assistant":
            last = self._turns[-1]["content"][-1]
            if "text" in last:
                last["text"] = last["text"].rstrip()


def _calls_of(turn: Document) -> list[str]:
    return [block["toolUse"]["toolUseId"] for block in turn["content"] if "toolUse" in block]


def _failure(call_id: str) -> Document:
    said = [{"text": _UNANSWERED}]
    return {"toolResult": {"toolUseId": call_id, "content": said, "status": "error"}}


def _with_prompt(blocks: list[Document], results: list[Document]) -> list[Document]:
    """A turn with a document needs a text beside it; its name is the least that can be said."""
    named = next((block["document"]["name"] for block in blocks if "document" in block), None)
    if named is None or results or any("text" in block for block in blocks):
        return blocks
    return [{"text": named}, *blocks]


def limit_marks(places: list[list[Any]], losses: Losses) -> None:
    """Take away cache points beyond the last four, and an hour after five minutes.

    Args:
        places: lists of blocks in the order of the prompt: tools, system, each turn's content.
        losses: is told of marks that are taken away.
    """
    found = [(blocks, block) for blocks in places for block in blocks if "cachePoint" in block]
    for blocks, block in found[:-_MOST_MARKS]:
        blocks[:] = [other for other in blocks if other is not block]
        losses.lose("cache_control", "the provider takes four marks at most")
    short = False
    for _, block in found[-_MOST_MARKS:]:
        hour = block["cachePoint"].get("ttl") is not None
        if hour and short:
            del block["cachePoint"]["ttl"]
            losses.lose("cache_control.ttl", "an hour may not follow five minutes")
        short = short or not hour
