"""Words for an end that an answer should not have had: a filter, a refusal, an error, a pause.

Source: the references of each wire's stop reasons. All wires share them, since servers that speak
somebody else's format often keep the words of the model behind it.
"""

import re
from typing import Final

BAD_ENDS: Final = frozenset({
    "content_filter", "content_filtered", "refusal", "guardrail_intervened", "error", "failed",
    "pause_turn", "load", "unload",
    # Gemini's.
    "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
    "MALFORMED_FUNCTION_CALL", "MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE", "PUP_LIMITED_DISABLED", "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS", "CONTINUATION",
    # Cohere's.
    "ERROR", "ERROR_TOXIC", "ERROR_LIMIT", "USER_CANCEL", "TIMEOUT",
    # DeepSeek's, whose servers were too busy to go on.
    "insufficient_system_resource",
})  # fmt: skip

_WORDS: Final = "|".join(sorted(BAD_ENDS)).encode()
_TOLD: Final = re.compile(rb':\s*"(?:' + _WORDS + rb')"|"refusal"\s*:\s*"[^"]')


def may_end_badly(data: bytes) -> bool:
    """Whether JSON of a shape that we do not know may say so, in whichever member.

    A quotation mark inside a text is escaped, so a text looks like this only where it is nothing
    but such a word.
    """
    return _TOLD.search(data) is not None
