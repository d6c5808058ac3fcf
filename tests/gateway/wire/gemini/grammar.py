"""Documents of generateContent for Hypothesis, in both spellings of their names."""

from typing import Any

from hypothesis import strategies as st
from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    Shape,
    an_object,
    either,
    listed,
    one_of,
)

from trunkline.gateway.exchange.parts import Reasoning
from trunkline.gateway.wire.gemini.seals import seal
from trunkline.gateway.wire.gemini_family.spelling import snake

THOUGHT = Reasoning("hm", "c2ln", "anthropic")
SIGNATURES = one_of("c2ln", "", seal([THOUGHT]), seal([THOUGHT, THOUGHT]), "dHJ1bmtsaW5lLjEu")


def spelt(needed: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    """An object whose names come in camel case or, each by itself, with underscores."""
    plain = an_object(needed, optional)
    names = [*needed, *(optional or {})]

    def spell(members: Any, chosen: set[str]) -> Any:
        if not isinstance(members, dict):
            return members
        return {snake(name) if name in chosen else name: one for name, one in members.items()}

    return st.builds(spell, plain, st.sets(st.sampled_from(names), max_size=2))


MEDIA_TYPES = one_of("image/png", "audio/wav", "application/pdf", "video/mp4", "")
BLOB = spelt({"mimeType": MEDIA_TYPES, "data": either(WORDS)}, {"displayName": either(WORDS)})
FILE = spelt(
    {"fileUri": one_of("https://h/a.png", "gs://b/c", "")},
    {"mimeType": MEDIA_TYPES, "displayName": either(WORDS)},
)
CALL = spelt(
    {"name": one_of("f", "g")},
    {"id": one_of("c1", "c2", ""), "args": either(st.dictionaries(WORDS, ANY, max_size=2))},
)
ANSWERED = st.one_of(
    st.dictionaries(one_of("result", "output", "error").filter(lambda k: isinstance(k, str)), ANY),
    st.dictionaries(WORDS, ANY, max_size=3),
)
RESULT = spelt(
    {"name": one_of("f", "g"), "response": either(ANSWERED)},
    {
        "id": one_of("c1", "c2", ""),
        "willContinue": FLAGS,
        "parts": listed(an_object({}, {"inlineData": BLOB, "fileData": FILE})),
    },
)
PART = st.one_of(
    spelt({"text": either(WORDS)}, {"thought": FLAGS, "thoughtSignature": SIGNATURES}),
    spelt({"inlineData": either(BLOB)}, {"thoughtSignature": SIGNATURES, "videoMetadata": ANY}),
    spelt({"fileData": either(FILE)}, {"thoughtSignature": SIGNATURES}),
    spelt({"functionCall": either(CALL)}, {"thoughtSignature": SIGNATURES}),
    spelt({"functionResponse": either(RESULT)}, {"thoughtSignature": SIGNATURES}),
    spelt({"executableCode": ANY}, {"thoughtSignature": SIGNATURES, "text": either(WORDS)}),
)
CONTENT = spelt({}, {"role": one_of("user", "model", "function", ""), "parts": listed(PART)})
SCHEMA = an_object(
    {},
    {
        "type": one_of("STRING", "object", "TYPE_UNSPECIFIED"),
        "nullable": FLAGS,
        "minItems": one_of("3", "x"),
        "properties": either(st.dictionaries(WORDS, ANY, max_size=2)),
        "anyOf": listed(st.fixed_dictionaries({"type": st.just("NUMBER")})),
        "enum": listed(WORDS),
        "items": ANY,
        "example": ANY,
    },
)
FUNCTION = spelt(
    {"name": one_of("f", "g")},
    {
        "description": either(WORDS),
        "parameters": either(SCHEMA),
        "parametersJsonSchema": either(SCHEMA),
        "behavior": one_of("BLOCKING"),
    },
)
TOOL = spelt(
    {},
    {"functionDeclarations": listed(FUNCTION), "googleSearch": ANY, "codeExecution": ANY},
)
CALLING = spelt(
    {},
    {
        "mode": one_of("AUTO", "ANY", "NONE", "VALIDATED", "any", "odd"),
        "allowedFunctionNames": listed(one_of("f")),
        "streamFunctionCallArguments": FLAGS,
    },
)
THINKING = spelt(
    {},
    {
        "includeThoughts": either(FLAGS),
        "thinkingBudget": either(st.integers(-1, 2)),
        "thinkingLevel": one_of("LOW", "high", "Medium", "THINKING_LEVEL_UNSPECIFIED"),
    },
)
CONFIG = spelt(
    {},
    {
        "temperature": either(NUMBERS),
        "topP": either(NUMBERS),
        "topK": either(st.one_of(st.integers(1, 40), st.sampled_from([40.0, 2.5]))),
        "candidateCount": either(st.integers(1, 3)),
        "maxOutputTokens": either(st.integers(1, 9)),
        "stopSequences": listed(WORDS),
        "seed": either(st.integers(0, 9)),
        "presencePenalty": either(NUMBERS),
        "frequencyPenalty": either(NUMBERS),
        "responseMimeType": one_of("application/json", "text/plain", "text/x.enum"),
        "responseSchema": either(SCHEMA),
        "responseJsonSchema": either(SCHEMA),
        "responseLogprobs": either(FLAGS),
        "logprobs": either(st.integers(0, 5)),
        "responseModalities": listed(one_of("TEXT")),
        "thinkingConfig": either(THINKING),
    },
)
REQUESTS = spelt(
    {"contents": either(st.lists(either(CONTENT), min_size=1, max_size=4))},
    {
        "model": one_of("models/m", "m"),
        "systemInstruction": either(st.one_of(CONTENT, WORDS)),
        "tools": listed(TOOL),
        "toolConfig": either(
            spelt({}, {"functionCallingConfig": either(CALLING), "retrievalConfig": ANY})
        ),
        "generationConfig": either(CONFIG),
        "safetySettings": ANY,
        "cachedContent": either(WORDS),
        "labels": either(st.dictionaries(WORDS, WORDS, max_size=2)),
        "serviceTier": one_of("standard", "flex", "priority", "odd"),
    },
)
GROUNDING = an_object(
    {},
    {
        "groundingChunks": listed(
            an_object({"web": either(an_object({"uri": WORDS}, {"title": either(WORDS)}))})
        ),
        "groundingSupports": listed(
            an_object(
                {"groundingChunkIndices": listed(st.integers(-1, 2))},
                {
                    "segment": either(
                        an_object(
                            {},
                            {
                                "startIndex": either(st.integers(-1, 3)),
                                "endIndex": either(st.integers(-1, 9)),
                                "partIndex": either(st.integers(0, 2)),
                            },
                        )
                    )
                },
            )
        ),
        "webSearchQueries": listed(WORDS),
    },
)
LOGPROB = an_object({"token": either(WORDS), "logProbability": either(NUMBERS)})
LOGPROBS = an_object(
    {"chosenCandidates": listed(LOGPROB)},
    {"topCandidates": listed(an_object({"candidates": listed(LOGPROB)}))},
)
CANDIDATE = an_object(
    {},
    {
        "content": either(CONTENT),
        "finishReason": one_of("STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "NEW"),
        "index": either(st.integers(0, 2)),
        "groundingMetadata": either(GROUNDING),
        "citationMetadata": either(an_object({"citations": listed(an_object({"uri": WORDS}))})),
        "logprobsResult": either(LOGPROBS),
        "avgLogprobs": NUMBERS,
    },
)
USAGE = an_object(
    {},
    {
        "promptTokenCount": either(st.integers(0, 99)),
        "candidatesTokenCount": either(st.integers(0, 99)),
        "thoughtsTokenCount": either(st.integers(0, 99)),
        "totalTokenCount": either(st.integers(0, 300)),
        "promptTokensDetails": listed(an_object({"modality": one_of("TEXT", "AUDIO")})),
        "serviceTier": one_of("standard"),
    },
)
REPLIES = an_object(
    {},
    {
        "candidates": listed(CANDIDATE),
        "promptFeedback": either(an_object({"blockReason": one_of("SAFETY")})),
        "usageMetadata": either(USAGE),
        "modelVersion": one_of("gemini-3-pro"),
        "responseId": one_of("r1"),
        "createTime": either(WORDS),
    },
)
