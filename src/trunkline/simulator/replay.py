"""Recorded transcripts, played again byte for byte in pieces of random size."""

import random
from pathlib import Path
from typing import Any

import msgspec

from trunkline.simulator.refusals import Refusal
from trunkline.simulator.script import Script, Step

REPLAY_MARK = "replay:"

_LONGEST_PIECE = 64
_FRAMING_HEADERS = frozenset(
    {"connection", "content-encoding", "content-length", "date", "keep-alive", "transfer-encoding"}
)
_CONTENT_TYPES = {".json": "application/json", ".sse": "text/event-stream; charset=utf-8"}
_STREAMS = frozenset({".sse", ".ndjson", ".bin"})


class _Response(msgspec.Struct):
    status: int | None = None
    headers: dict[str, str] | None = None


class _Meta(msgspec.Struct):
    response: _Response


class Replay(msgspec.Struct, frozen=True):
    """Which transcript to play, and the seed that decides where it is split."""

    name: str
    split: int = 0


def replay_in(model: str, header: str | None, split: str | None) -> Replay | None:
    """The replay that a request asks for, by ``x-simulator-replay`` or by its model, or None.

    Raises:
        Refusal: the seed is no whole number.
    """
    name = header or ""
    if not name and model.startswith(REPLAY_MARK):
        name, _, setting = model.removeprefix(REPLAY_MARK).partition(";split=")
        split = setting or split
    if not name:
        return None
    try:
        return Replay(name, int(split or 0))
    except ValueError:
        raise _refused(400, f"The seed of a split must be a whole number, not {split!r}.") from None


def replay_script(replay: Replay, transcripts: Path | None) -> Script:
    """The script that plays a transcript.

    Raises:
        Refusal: there is no such transcript, or no folder of transcripts at all.
    """
    file = _file_of(replay, transcripts)
    meta = _meta_of(file)
    body = file.read_bytes()
    recorded: dict[str, Any] = meta.headers or {
        "content-type": _CONTENT_TYPES.get(file.suffix, "application/octet-stream")
    }
    headers = tuple(
        (name, value) for name, value in recorded.items() if name not in _FRAMING_HEADERS
    )
    stream = file.suffix in _STREAMS
    return Script(
        meta.status or 200,
        headers,
        tuple(_pieces(body, replay.split)),
        stream=stream,
        chunked=stream or recorded.get("transfer-encoding") == "chunked",
        apart=True,
    )


def _pieces(body: bytes, seed: int) -> list[Step]:
    rng = random.Random(seed)
    pieces, start = [], 0
    while start < len(body):
        end = start + rng.randint(1, _LONGEST_PIECE)
        pieces.append(Step(body[start:end], kind="body"))
        start = end
    return pieces


def _file_of(replay: Replay, transcripts: Path | None) -> Path:
    if transcripts is None:
        raise _refused(404, "The simulator was started without a folder of transcripts.")
    root = transcripts.resolve()
    file = (root / replay.name).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise _refused(404, f"There is no transcript {replay.name!r}.")
    return file


def _meta_of(file: Path) -> _Response:
    stem = file.name.partition(".")[0]
    meta = file.with_name(f"{stem}.meta.json")
    if not meta.is_file():
        return _Response()
    return msgspec.json.decode(meta.read_bytes(), type=_Meta).response


def _refused(status: int, message: str) -> Refusal:
    return Refusal(status, "invalid_request_error", message)
