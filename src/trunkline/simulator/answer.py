"""What the model says: a pure function of the seed and of the question."""

import hashlib
import random
from typing import Literal

import msgspec

from trunkline.simulator.instances import make_instance
from trunkline.simulator.prose import verbatim, write_prose, write_thoughts
from trunkline.simulator.question import Question, Tool
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.scripted import ScriptedCall, scripted_calls, scripted_text
from trunkline.simulator.tokens import split_tokens

CALL_OVERHEAD = 4
"""Tokens of a tool call besides its name and its arguments."""

_FREEFORM_TOKENS = 12
_TOOL_PREFACE = "I'll look that up for you."

Stop = Literal["end", "length", "stop_sequence", "tools"]


class Call(msgspec.Struct, frozen=True):
    """One call of a tool.

    Attributes:
        ident: 24 characters; each wire puts its prefix before them.
        head_tokens: tokens of the name and the overhead.
        pieces: tokens of the arguments as JSON; fewer than all when the answer was cut.
        whole: whether the arguments are all there.
        freeform: whether the pieces are any text instead of JSON.
    """

    ident: str
    name: str
    head_tokens: int
    pieces: tuple[str, ...]
    whole: bool = True
    freeform: bool = False

    @property
    def arguments(self) -> str:
        """The arguments as they are written, or the beginning of them."""
        return "".join(self.pieces)


class Choice(msgspec.Struct, frozen=True):
    """One of the answers to a question; each string of a tuple is one token."""

    thoughts: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    stop: Stop = "end"
    matched_stop: str | None = None

    @property
    def tokens(self) -> int:
        """Everything generated, reasoning included."""
        return (
            len(self.thoughts)
            + len(self.text)
            + sum(call.head_tokens + len(call.pieces) for call in self.calls)
        )


class Answer(msgspec.Struct, frozen=True):
    """All choices, and the digest that identifiers and timings are drawn from."""

    digest: bytes
    choices: tuple[Choice, ...]

    @property
    def output_tokens(self) -> int:
        """Everything generated, over all choices."""
        return sum(choice.tokens for choice in self.choices)

    @property
    def reasoning_tokens(self) -> int:
        """The reasoning part of it."""
        return sum(len(choice.thoughts) for choice in self.choices)

    def ident(self, label: str, length: int) -> str:
        """Letters and digits that stay the same for the same question and seed."""
        return _letters(self.digest, label, length)


def compose(question: Question, seed: int) -> Answer:
    """The answer to a question. How it is delivered has no influence on it.

    Raises:
        Refusal: a JSON schema of the question cannot be followed.
    """
    digest = _digest(question, seed)
    try:
        choices = tuple(_choice(question, digest, number) for number in range(question.choices))
    except ValueError as error:
        raise Refusal(
            400, "invalid_request_error", f"Invalid schema: {error}.", code="invalid_schema"
        ) from None
    return Answer(digest, choices)


def _choice(question: Question, digest: bytes, number: int) -> Choice:
    if question.texts:
        question = msgspec.structs.replace(question, last_text=question.texts[number])
    rng = random.Random(digest + bytes((number,)))
    thoughts: list[str] = []
    if question.reasoning_tokens:
        thoughts = split_tokens(write_thoughts(rng, question.last_text, question.reasoning_tokens))
        if not question.show_reasoning:
            # Hidden reasoning is billed in whole blocks of 64 tokens.
            thoughts = thoughts[: max(64, len(thoughts) // 64 * 64)]
    calls = _calls(question, rng, f"{number}")
    text, matched = _stopped(_text(question, rng, calls=bool(calls)), question.stops)
    stop: Stop = "end"
    if matched is not None:
        stop, calls = "stop_sequence", ()
    elif calls:
        stop = "tools"
    whole = Choice(tuple(thoughts), tuple(split_tokens(text)), calls, stop, matched)
    most = question.model.max_output
    if question.max_output is not None:
        most = min(question.max_output, most)
    return whole if whole.tokens <= most else _cut(whole, most)


def _text(question: Question, rng: random.Random, *, calls: bool) -> str:
    if calls:
        return _TOOL_PREFACE if question.tool_choice == "auto" else ""
    if question.schema is not None:
        return msgspec.json.encode(make_instance(rng, question.schema)).decode()
    said = scripted_text(question) or verbatim(question.last_text)
    if said is not None:
        return said
    length = round(question.model.answer_tokens * rng.uniform(0.6, 1.4))
    return write_prose(rng, question.last_text, length)


def _calls(question: Question, rng: random.Random, label: str) -> tuple[Call, ...]:
    """The model calls tools when it must, or when it may and has no results yet.

    A question that joins things by "and" gets two calls where parallel calls are allowed; one that
    scripts calls gets these.
    """
    mode = question.tool_choice
    if not question.tools or mode == "none":
        return ()
    demanded = scripted_calls(question)
    if demanded is not None and (demanded or mode == "auto"):
        return tuple(
            _scripted(question, call, rng, f"{label}.{position}")
            for position, call in enumerate(demanded)
        )
    if mode == "auto" and question.after_tools:
        return ()
    candidates = question.tools
    if mode.startswith("="):
        candidates = tuple(tool for tool in candidates if tool.name == mode[1:])
    wanted = 2 if question.parallel and " and " in question.last_text else 1
    return tuple(
        _call(question, candidates[position % len(candidates)], rng, f"{label}.{position}")
        for position in range(wanted)
    )


def _call(question: Question, tool: Tool, rng: random.Random, label: str) -> Call:
    if tool.freeform:
        written = write_prose(rng, question.last_text, _FREEFORM_TOKENS)
    else:
        written = msgspec.json.encode(make_instance(rng, tool.schema)).decode()
    return _written(tool, written, rng, label)


def _scripted(question: Question, call: ScriptedCall, rng: random.Random, label: str) -> Call:
    tool = next(tool for tool in question.tools if tool.name == call.name)
    if tool.freeform and isinstance(call.arguments, str):
        return _written(tool, call.arguments, rng, label)
    return _written(tool, msgspec.json.encode(call.arguments).decode(), rng, label)


def _written(tool: Tool, written: str, rng: random.Random, label: str) -> Call:
    return Call(
        ident=_letters(rng.randbytes(16), label, 24),
        name=tool.name,
        head_tokens=CALL_OVERHEAD + len(split_tokens(tool.name)),
        pieces=tuple(split_tokens(written)),
        freeform=tool.freeform,
    )


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(text.find(stop), stop) for stop in stops if stop in text]
    if not found:
        return text, None
    position, stop = min(found)
    return text[:position], stop


def _cut(choice: Choice, most: int) -> Choice:
    """The first ``most`` tokens: reasoning first, then text, then the calls."""
    left = most
    thoughts = choice.thoughts[:left]
    left -= len(thoughts)
    text = choice.text[:left]
    left -= len(text)
    calls: list[Call] = []
    for call in choice.calls:
        if left < call.head_tokens:
            break
        left -= call.head_tokens
        pieces = call.pieces[:left]
        left -= len(pieces)
        whole = len(pieces) == len(call.pieces)
        calls.append(msgspec.structs.replace(call, pieces=pieces, whole=whole))
    return Choice(thoughts, text, tuple(calls), "length")


def _digest(question: Question, seed: int) -> bytes:
    """What the answer depends on: not on the stream, nor on what only shapes its delivery."""
    asked = hashlib.blake2b(digest_size=16, key=seed.to_bytes(8, "big", signed=True))
    settings = (
        question.model.name,
        question.tool_choice,
        question.parallel,
        question.schema,
        question.tools,
        question.max_output,
        question.stops,
        question.reasoning_tokens,
    )
    asked.update(msgspec.json.encode(settings))
    for segment in question.prompt:
        asked.update("".join(segment.pieces).encode("utf-8", "surrogatepass"))
        asked.update(b"\x00")
    return asked.digest()


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _letters(digest: bytes, label: str, length: int) -> str:
    drawn = hashlib.blake2b(label.encode(), key=digest, digest_size=64).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in drawn[:length])
