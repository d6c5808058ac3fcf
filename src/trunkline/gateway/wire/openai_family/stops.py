"""Why a model stopped, in OpenAI's words and back."""

from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.reply import Reason, Stop

_REASONS: Final = MappingProxyType[str, Reason](
    {
        "stop": "end",
        "eos": "end",
        "end_turn": "end",
        "length": "length",
        "max_tokens": "length",
        "model_length": "length",
        "tool_calls": "tools",
        "function_call": "tools",
        "content_filter": "filtered",
    }
)
_WORDS: Final = MappingProxyType[Reason, str](
    {
        "end": "stop",
        "stop_sequence": "stop",
        "length": "length",
        "tools": "stop",
        "filtered": "content_filter",
        "refusal": "content_filter",
        "paused": "stop",
    }
)
_CALLED: Final = frozenset({"end", "stop_sequence", "tools", "paused"})
_OWN_WORDS: Final = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter"})


def read_stop(word: str | None, native: Any, sequence: Any, *, called: bool, refused: bool) -> Stop:
    """The stop of a choice.

    Args:
        word: ``finish_reason``.
        native: OpenRouter's ``native_finish_reason``.
        sequence: vLLM's ``stop_reason``, a string where the model wrote a stop sequence.
        called: whether it called a tool, which decides whatever the word says.
        refused: whether it told why it does not answer.
    """
    reason: Reason = _REASONS.get(word or "", "end")
    if called and reason in _CALLED:
        reason = "tools"
    elif reason == "tools":
        reason = "end"
    elif reason == "end" and refused:
        reason = "refusal"
    elif reason == "end" and isinstance(sequence, str):
        return Stop("stop_sequence", native=word, sequence=sequence)
    return Stop(reason, native=native if isinstance(native, str) else word)


def write_stop(stop: Stop, *, called: bool, refused: bool, legacy: bool = False) -> str:
    """The word for ``finish_reason``."""
    if called and stop.reason in _CALLED:
        return "function_call" if legacy else "tool_calls"
    if refused and stop.reason == "refusal":
        return "stop"
    return _WORDS[stop.reason]


def native_word(stop: Stop) -> str | None:
    """The provider's own word, where it is none of OpenAI's."""
    return None if stop.native is None or stop.native in _OWN_WORDS else stop.native
