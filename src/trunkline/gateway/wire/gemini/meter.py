"""What the path must know of Gemini's answers, whole and in events, without reading their content.

An answer's last event is not marked: older models name a reason to finish in each event. The end
of the transfer after such an event is the end of the answer.
"""

from typing import Any

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Reply, Sight, StreamReader
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.gemini.usage import ReportedUsage, read_usage
from trunkline.gateway.wire.gemini_family.errors import read_fault
from trunkline.gateway.wire.sse import data_of, size_of

_ABSENT = msgspec.Raw()
_ENDLESS = frozenset({"", "FINISH_REASON_UNSPECIFIED"})
# A filter ended the answer. Source: the enumeration of reasons in Google's API description.
_FILTERED = frozenset(
    {
        "SAFETY",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "MODEL_ARMOR",
    }
)


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    function_call: msgspec.Raw = _ABSENT
    inline_data: msgspec.Raw = _ABSENT
    executable_code: msgspec.Raw = _ABSENT
    code_execution_result: msgspec.Raw = _ABSENT


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Grounding(msgspec.Struct, rename="camel"):
    web_search_queries: list[msgspec.Raw] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    grounding_metadata: _Grounding | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: ReportedUsage | None = None
    model_version: str | None = None
    error: msgspec.Raw = _ABSENT


class _Brief(msgspec.Struct, rename="camel"):
    """An answer of which only the report is read, since its content is of no shape we know."""

    candidates: Any = None
    prompt_feedback: Any = None
    usage_metadata: Any = None
    model_version: Any = None
    error: msgspec.Raw = _ABSENT
    total_tokens: int | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_brief = msgspec.json.Decoder(_Brief).decode


def read_answer(body: bytes) -> Reply:
    """What is read of a whole answer.

    Raises:
        Malformed: it is no answer of Gemini's.
    """
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        _brief(body)
        return Reply(None, clean=not may_end_badly(body))
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    report = answer.usage_metadata
    if answer.candidates is None and answer.prompt_feedback is None and report is None:
        raise Malformed("the answer has no candidates")
    searches = sum(_searches(candidate) for candidate in answer.candidates or ())
    return Reply(
        read_usage(report, searches) if report is not None else None,
        answer.model_version,
        report.service_tier if report is not None else None,
        _is_filtered(answer),
        _is_clean(answer),
    )


def read_counted(body: bytes) -> Reply:
    """What is read of a count of tokens, which costs nothing.

    Raises:
        Malformed: it is no count.
    """
    if _brief(body).total_tokens is None:
        raise Malformed("the answer has no totalTokens")
    return Reply(Usage())


def _brief(body: bytes) -> _Brief:
    try:
        return _decode_brief(body)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("the answer is not what the wire promises") from None


def _is_filtered(answer: _Answer) -> bool:
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason:
        return True
    return any(candidate.finish_reason in _FILTERED for candidate in answer.candidates or ())


def _is_clean(answer: _Answer) -> bool:
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason:
        return False
    return not any(candidate.finish_reason in BAD_ENDS for candidate in answer.candidates or ())


def _searches(candidate: _Candidate) -> int:
    grounding = candidate.grounding_metadata
    return len(grounding.web_search_queries or ()) if grounding is not None else 0


class GeminiMeter(StreamReader):
    """Reads the events of one stream.

    ``usage`` is the report of the newest event, and only while that may be the last one.
    """

    __slots__ = (
        "_finishing",
        "_searches",
        "clean",
        "content_bytes",
        "error",
        "filtered",
        "input_usage",
        "model",
        "service_tier",
        "usage",
    )

    def __init__(self) -> None:
        self._finishing = False
        self._searches = 0
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None
        self.filtered = False
        self.clean = True

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        try:
            chunk = _decode(data)
        except msgspec.ValidationError:
            return self._read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if chunk.error is not _ABSENT and bytes(chunk.error) != b"null":
            self.error = read_fault(0, data)
            return Sight.ERROR
        if self.model is None:
            self.model = chunk.model_version
        said = self._look(chunk)
        if chunk.usage_metadata is not None:
            self._note(chunk.usage_metadata)
        elif said:
            self.usage = None
        if self._finishing:
            return Sight.CLOSING
        return Sight.CONTENT if said else Sight.START

    def _look(self, chunk: _Answer) -> bool:
        """Whether the event has content; notes whether it may be the last one."""
        said = finished = False
        for candidate in chunk.candidates or ():
            finished = finished or (candidate.finish_reason or "") not in _ENDLESS
            self._searches += _searches(candidate)
            content = candidate.content
            for part in content.parts or () if content is not None else ():
                size = _size(part)
                self.content_bytes += size
                said = said or size > 0
        feedback = chunk.prompt_feedback
        finished = finished or (feedback is not None and bool(feedback.block_reason))
        # A report may come by itself after the reason to finish, and is the last event then.
        self._finishing = finished or (self._finishing and not said)
        if finished:
            self.filtered = self.filtered or _is_filtered(chunk)
            self.clean = self.clean and _is_clean(chunk)
        return said

    def _note(self, reported: ReportedUsage) -> None:
        """Take a report; one beside content that goes on is no bill."""
        usage = read_usage(reported, self._searches)
        self.input_usage = usage
        self.usage = usage if self._finishing else None
        if reported.service_tier is not None:
            self.service_tier = reported.service_tier

    def _read_strange(self, data: bytes) -> Sight:
        """Valid JSON of a shape that we do not know passes as it is, unless it tells a failure."""
        try:
            chunk = _decode_brief(data)
        except (msgspec.DecodeError, RecursionError):
            self.clean = self.clean and not may_end_badly(data)
            return Sight.CONTENT
        if chunk.error is not _ABSENT and bytes(chunk.error) != b"null":
            self.error = read_fault(0, data)
            return Sight.ERROR
        self.content_bytes += len(data)
        self.clean = self.clean and not may_end_badly(data)
        # Nobody can tell whether it is the last one, so the end of the transfer may follow.
        self._finishing = True
        return Sight.CLOSING


def _size(part: _Part) -> int:
    """Bytes of what a part says; what is of no known kind says something as well."""
    if part.text is not None:
        return size_of(part.text)
    raws = (
        part.function_call,
        part.inline_data,
        part.executable_code,
        part.code_execution_result,
    )
    return sum(len(bytes(raw)) for raw in raws if raw is not _ABSENT) or 1
