"""Requests of OpenAI's older Completions, read and refused as OpenAI does."""

from typing import Annotated, Any

import msgspec

from trunkline.simulator.models import SimModel, find_model
from trunkline.simulator.openai.wire import invalid, model_not_found
from trunkline.simulator.question import Question, Segment, text_segment
from trunkline.simulator.reading import base_name, decode
from trunkline.simulator.refusals import Refusal

_DEFAULT_OUTPUT = 16
_MOST_LOGPROBS = 5
_MOST_CHOICES = 128


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False
    include_obfuscation: bool = False


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    prompt: str | list[str | int | list[int]] | None = None
    suffix: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    stop: str | Annotated[list[str], msgspec.Meta(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, Any] | None = None
    seed: int | None = None
    user: str | None = None


class Continued(msgspec.Struct, frozen=True):
    """What a completion depends on besides the question.

    Attributes:
        prompts: what each choice continues.
        echo: whether a choice begins with its prompt.
        logprobs: how many likely tokens are told beside each token; None for no probabilities.
    """

    prompts: tuple[str, ...]
    echo: bool
    logprobs: int | None


def read_completion(body: bytes) -> Question:
    """The question in the body of a completion.

    Raises:
        Refusal: with OpenAI's status, code and field.
    """
    asked = decode(body, _Body, invalid)
    model = find_model(base_name(asked.model), "openai_completions")
    if model is None:
        raise _not_here(asked.model)
    _check(asked, model)
    prompts = _prompts(asked.prompt)
    each = tuple("".join(segment.pieces) for segment in prompts for _ in range(asked.n or 1))
    if len(each) > _MOST_CHOICES:
        raise invalid(
            f"Too many completions: {len(each)} were asked for, the most is {_MOST_CHOICES}.", "n"
        )
    suffix = (text_segment(asked.suffix),) if asked.suffix else ()
    question = Question(
        model=model,
        prompt=(*prompts, *suffix),
        texts=each,
        max_output=_DEFAULT_OUTPUT if asked.max_tokens is None else asked.max_tokens,
        stops=_stops(asked.stop),
        choices=len(each),
        stream=bool(asked.stream),
        include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
        repeated=Continued(each, bool(asked.echo), asked.logprobs),
    )
    asked_for = question.input_tokens + (question.max_output or 0)
    if asked_for > model.context:
        raise invalid(
            f"This model's maximum context length is {model.context} tokens, however you requested "
            f"{asked_for} tokens ({question.input_tokens} in your prompt; {question.max_output} "
            "for the completion). Please reduce your prompt; or completion length.",
            None,
            "context_length_exceeded",
        )
    return question


def _not_here(name: str) -> Refusal:
    if find_model(base_name(name), "openai_chat") is None:
        return model_not_found(name)
    return Refusal(
        404,
        "invalid_request_error",
        "This is a chat model and not supported in the v1/completions endpoint. Did you mean to "
        "use v1/chat/completions?",
        param="model",
    )


def _check(asked: _Body, model: SimModel) -> None:
    if asked.stream_options is not None and not asked.stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if asked.logprobs is not None and not 0 <= asked.logprobs <= _MOST_LOGPROBS:
        raise invalid(
            f"Invalid value for 'logprobs': must be less than or equal to {_MOST_LOGPROBS}.",
            "logprobs",
        )
    if asked.best_of not in {None, asked.n or 1}:
        raise invalid("Simulator: only as many choices are made as 'n' asks for.", "best_of")
    if asked.echo and asked.suffix:
        raise invalid("'echo' and 'suffix' cannot be used together.", "echo")
    if (asked.max_tokens or 0) > model.max_output:
        raise invalid(
            f"max_tokens is too large: {asked.max_tokens}. This model supports at most "
            f"{model.max_output} completion tokens.",
            "max_tokens",
            "invalid_value",
        )


def _prompts(prompt: str | list[Any] | None) -> tuple[Segment, ...]:
    """Each prompt as a segment of its own; numbers are tokens already."""
    match prompt:
        case None:
            return (text_segment("<|endoftext|>"),)
        case str():
            return (text_segment(prompt),)
        case []:
            raise invalid("Invalid 'prompt': empty array.", "prompt", "empty_array")
        case [int(), *_]:
            return (_numbered(prompt),)
        case _:
            return tuple(
                text_segment(one) if isinstance(one, str) else _numbered(one) for one in prompt
            )


def _numbered(tokens: list[int]) -> Segment:
    return Segment(tuple(f"<{token}>" for token in tokens))


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    if stop is None:
        return ()
    return tuple(one for one in ([stop] if isinstance(stop, str) else stop) if one)
