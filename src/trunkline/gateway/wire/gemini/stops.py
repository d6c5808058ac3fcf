"""Why the model stopped, in Google's words and ours.

Google has no word for calling a tool, and words for calls that it could not read: an answer that
ends with one of these and says nothing else is no answer.
"""

from typing import Final

from trunkline.gateway.exchange.reply import Reason, Stop
from trunkline.gateway.wire.contract import Malformed

_REASONS: Final[dict[str, Reason]] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "CONTINUATION": "paused",
    "SAFETY": "filtered",
    "RECITATION": "filtered",
    "LANGUAGE": "filtered",
    "OTHER": "filtered",
    "BLOCKLIST": "filtered",
    "PROHIBITED_CONTENT": "filtered",
    "SPII": "filtered",
    "MODEL_ARMOR": "filtered",
    "IMAGE_SAFETY": "filtered",
    "IMAGE_PROHIBITED_CONTENT": "filtered",
    "IMAGE_RECITATION": "filtered",
    "IMAGE_OTHER": "filtered",
    "NO_IMAGE": "filtered",
    "PUP_LIMITED_DISABLED": "filtered",
    "ESCALATION": "end",
    "FINISH_REASON_UNSPECIFIED": "end",
}
_FAILED: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
    }
)
_WORDS: Final[dict[Reason, str]] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tools": "STOP",
    "paused": "STOP",
    "length": "MAX_TOKENS",
    "filtered": "SAFETY",
    "refusal": "SAFETY",
}


def read_stop(word: str | None, *, called: bool) -> Stop:
    """The reason; ``called`` is whether the model called a function."""
    reason = _REASONS.get(word or "", "end")
    return Stop("tools" if called and reason == "end" else reason, word)


def require_readable(word: str | None, *, said: bool) -> None:
    """Refuse an answer whose only content is a call that Google could not read.

    Raises:
        Malformed: another attempt may succeed.
    """
    if word in _FAILED and not said:
        raise Malformed(f"the model's call of a function could not be read ({word})")


def finish_word(stop: Stop) -> str:
    """Google's word; its own one where the reason is of its making."""
    native = stop.native
    if native is not None and (native in _REASONS or native in _FAILED):
        return native
    return _WORDS[stop.reason]
