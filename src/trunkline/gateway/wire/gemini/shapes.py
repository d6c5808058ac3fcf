"""Requests with all names in camel case, and back in the spelling in which they came.

Google takes names with underscores as well, and its own SDK mixes both. Readers and writers know
camel case alone; what was renamed is remembered by its place. What the caller names as it likes,
such as arguments and schemas, stays as it is.
"""

from typing import Any, Final, NamedTuple

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.gemini_family.spelling import snake


class Renamed(NamedTuple):
    """One renamed member: the way to its object in camel case, and its two names."""

    path: tuple[str | int, ...]
    camel: str
    given: str


class Shape:
    """The members of an object that are known, and the shapes of those that are objects."""

    __slots__ = ("inner", "names")

    def __init__(self, *plain: str, **inner: "Shape | None") -> None:
        known = (*plain, *inner)
        self.names = {snake(name): name for name in known if snake(name) != name}
        self.inner = {name: shape for name, shape in inner.items() if shape is not None}


_BLOB: Final = Shape("mimeType", "displayName")
_FILE: Final = Shape("mimeType", "fileUri", "displayName")
_MEDIA: Final = Shape(inlineData=_BLOB, fileData=_FILE)
_PART: Final = Shape(
    "thoughtSignature",
    "executableCode",
    "codeExecutionResult",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
    "toolCall",
    "toolResponse",
    inlineData=_BLOB,
    fileData=_FILE,
    functionCall=Shape("partialArgs", "willContinue"),
    functionResponse=Shape("willContinue", parts=_MEDIA),
)
_CONTENT: Final = Shape(parts=_PART)
_THINKING: Final = Shape("includeThoughts", "thinkingBudget", "thinkingLevel")
_CONFIG: Final = Shape(
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseLogprobs",
    "responseModalities",
    "mediaResolution",
    "speechConfig",
    thinkingConfig=_THINKING,
)
_DECLARATION: Final = Shape("parametersJsonSchema", "responseJsonSchema")
_TOOL: Final = Shape(
    "googleSearch",
    "googleSearchRetrieval",
    "googleMaps",
    "codeExecution",
    "urlContext",
    "computerUse",
    "fileSearch",
    "enterpriseWebSearch",
    functionDeclarations=_DECLARATION,
)
_CALLING: Final = Shape("allowedFunctionNames", "streamFunctionCallArguments")
REQUEST: Final = Shape(
    "safetySettings",
    "cachedContent",
    "serviceTier",
    contents=_CONTENT,
    systemInstruction=_CONTENT,
    tools=_TOOL,
    toolConfig=Shape("retrievalConfig", functionCallingConfig=_CALLING),
    generationConfig=_CONFIG,
)


def canonical(document: Document, shape: Shape) -> tuple[Document, tuple[Renamed, ...]]:
    """The document in camel case, itself where nothing is to be renamed, and what was renamed."""
    renamed: list[Renamed] = []
    return _camel(document, shape, (), renamed), tuple(renamed)


def _camel(
    given: Document, shape: Shape, path: tuple[str | int, ...], renamed: list[Renamed]
) -> Document:
    result = given
    for name in given:
        camel = shape.names.get(name) if "_" in name else None
        if camel is not None and camel not in given:
            renamed.append(Renamed(path, camel, name))
            result = {camel if known == name else known: one for known, one in result.items()}
    for name, inner in shape.inner.items():
        value = result.get(name)
        if value is None:
            continue
        changed = _inside(value, inner, (*path, name), renamed)
        if changed is not value:
            result = {**result, name: changed}
    return result


def _inside(value: Any, shape: Shape, path: tuple[str | int, ...], renamed: list[Renamed]) -> Any:
    if isinstance(value, dict):
        return _camel(value, shape, path, renamed)
    if not isinstance(value, list):
        return value
    items = [
        _camel(one, shape, (*path, index), renamed) if isinstance(one, dict) else one
        for index, one in enumerate(value)
    ]
    # Most lists have nothing to rename, and then they stay the same object.
    same = all(new is old for new, old in zip(items, value, strict=True))
    return value if same else items


def respelled(document: Document, renamed: tuple[Renamed, ...]) -> Document:
    """The document with the names that were renamed; the innermost ones first."""
    for change in reversed(renamed):
        document = _respell(document, change.path, change)
    return document


def _respell(value: Any, path: tuple[str | int, ...], change: Renamed) -> Any:
    if not path:
        if not isinstance(value, dict) or change.camel not in value:
            return value
        return {change.given if name == change.camel else name: one for name, one in value.items()}
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step in value:
        return {**value, step: _respell(value[step], rest, change)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _respell(value[step], rest, change), *value[step + 1 :]]
    return value
