"""What Google answers: its documents, whole and as the events of a stream."""

from collections.abc import Sequence
from typing import Any, Final

_MODEL: Final = "gemini-2.5-flash"
_INPUT: Final = 103


def answer(text: str) -> dict[str, Any]:
    """A whole answer."""
    return _document(text, 64, finish="STOP")


def events(pieces: Sequence[str]) -> list[dict[str, Any]]:
    """A stream: a piece each, and the end together with the last one."""
    *before, last = pieces
    counted = enumerate(before, 1)
    return [
        *(_document(piece, count) for count, piece in counted),
        _document(last, len(pieces), finish="STOP"),
    ]


def _document(text: str, output: int, *, finish: str | None = None) -> dict[str, Any]:
    return {
        "candidates": [_candidate(text, finish)],
        "usageMetadata": {
            "promptTokenCount": _INPUT,
            "candidatesTokenCount": output,
            "totalTokenCount": _INPUT + output,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": _INPUT}],
        },
        "modelVersion": _MODEL,
        "responseId": "w1peaMz6INOvnvgPgYfPiQY",
    }


def _candidate(text: str, finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = finish
    return candidate | {"index": 0}
