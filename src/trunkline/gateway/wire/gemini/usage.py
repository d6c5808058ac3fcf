"""Token counts as Google reports them, read into disjoint buckets and written from them.

Source: the recorded transcripts of this wire and the types of google-genai. Counts of nothing are
left out, as protocol buffers do.
"""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class _Modality(msgspec.Struct, rename="camel"):
    modality: str | None = None
    token_count: int | None = None


class ReportedUsage(msgspec.Struct, rename="camel"):
    """``usageMetadata`` of an answer or of an event; None is what it does not say."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Modality] | None = None
    cache_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    tool_use_prompt_tokens_details: list[_Modality] | None = None
    service_tier: str | None = None


COUNTED = frozenset(
    {
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "totalTokenCount",
    }
)
"""What ``write_usage`` writes; the details of a report are extensions of their answer."""


def read_usage(reported: ReportedUsage, searches: int = 0) -> Usage | None:
    """Disjoint buckets; None where neither the prompt nor a total is told.

    The prompt's count contains what was cached and lacks what tools at Google put into it. The
    candidates' count lacks the thoughts, but for some answers whose total shows the opposite.
    """
    total = reported.total_token_count
    tools = reported.tool_use_prompt_token_count or 0
    thoughts = reported.thoughts_token_count or 0
    prompt, made = reported.prompt_token_count, reported.candidates_token_count
    if prompt is None:
        if total is None:
            return None
        prompt = max(0, total - tools - thoughts - (made or 0))
    if made is None:
        # What is nothing is left out; the total says whether it is.
        made = 0 if total is None else max(0, total - prompt - tools - thoughts)
    if thoughts and total == prompt + tools + made and made >= thoughts:
        made -= thoughts
    cached = reported.cached_content_token_count or 0
    heard = _audio(reported.prompt_tokens_details) + _audio(reported.tool_use_prompt_tokens_details)
    heard = max(0, heard - _audio(reported.cache_tokens_details))
    spoken = min(_audio(reported.candidates_tokens_details), made)
    return Usage(
        input=max(0, prompt + tools - cached - heard),
        cache_read=cached,
        audio_input=heard,
        output=made - spoken,
        reasoning=thoughts,
        audio_output=spoken,
        searches=searches,
    )


def _audio(details: list[_Modality] | None) -> int:
    # A plain loop: nearly every event of a stream has such lists, and none of them is audio.
    count = 0
    for one in details or ():
        if one.modality == "AUDIO":
            count += one.token_count or 0
    return count


def write_usage(usage: Usage) -> Document:
    """``usageMetadata`` of these buckets."""
    report: Document = {"promptTokenCount": usage.input_total}
    made = usage.output + usage.audio_output
    if made:
        report["candidatesTokenCount"] = made
    report["totalTokenCount"] = usage.input_total + usage.output_total
    if usage.cache_read:
        report["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        report["thoughtsTokenCount"] = usage.reasoning
    if usage.audio_input:
        words = usage.input_total - usage.audio_input
        report["promptTokensDetails"] = _details(words, usage.audio_input)
    if usage.audio_output:
        report["candidatesTokensDetails"] = _details(usage.output, usage.audio_output)
    return report


def _details(words: int, audio: int) -> list[Document]:
    counts = {"TEXT": words, "AUDIO": audio}
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items() if count]
