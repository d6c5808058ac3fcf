"""What Google checks about the turns of a conversation."""

import base64
import binascii
from collections import Counter

from trunkline.simulator.gemini.shapes import Content, FunctionCall, FunctionResponse, Part, invalid
from trunkline.simulator.seals import is_sealed

PROVIDER = "gemini"
TEXT_SEALED = "text"
"""What the signature of a part that is no call belongs to."""

_SKIP = "skip_thought_signature_validator"
_SKIPS = frozenset({_SKIP, base64.b64encode(_SKIP.encode()).decode()})
_HELD = ("text", "inline_data", "file_data", "function_call", "function_response")
_HELD_BY_SERVER_TOOLS = ("executable_code", "code_execution_result", "tool_call", "tool_response")
_OWN_FILES = ("https://generativelanguage.googleapis.com/", "https://www.youtube.com/")


def check_turns(contents: list[Content], *, vertex: bool, needs_signatures: bool) -> None:
    """Refuse what Google refuses.

    Args:
        contents: the conversation.
        vertex: whether it came by Vertex AI, which fetches files by http.
        needs_signatures: whether the model thinks and insists on its signatures.

    Raises:
        Refusal: 400 with Google's sentence.
    """
    if not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n")
    for number, content in enumerate(contents):
        if content.role not in {"", "user", "model"}:
            raise invalid("Please use a valid role: user, model.")
        _check_parts(content, number, vertex=vertex)
    if contents[0].role == "model":
        raise invalid("Please ensure that multiturn requests begin with a user turn.")
    _check_functions(contents)
    _check_signatures(contents, needed=needs_signatures)


def _check_parts(content: Content, number: int, *, vertex: bool) -> None:
    if not content.parts:
        raise invalid(
            f"* GenerateContentRequest.contents[{number}].parts: contents.parts must not be "
            "empty.\n"
        )
    for position, part in enumerate(content.parts):
        path = f"contents[{number}].parts[{position}]"
        held = [name for name in _HELD + _HELD_BY_SERVER_TOOLS if getattr(part, name) is not None]
        if not held:
            raise invalid(
                f"* GenerateContentRequest.{path}.data: required oneof field 'data' must have one "
                "initialized field\n"
            )
        if len(held) > 1:
            raise invalid(f"Invalid value at '{path}' (oneof), oneof field 'data' is already set.")
        if part.inline_data is not None:
            _check_bytes(part.inline_data.data, f"{path}.inline_data.data")
            if not part.inline_data.mime_type:
                raise invalid(f"Unable to submit request because {path} has no mimeType.")
        if part.file_data is not None and not vertex:
            _check_uri(part.file_data.file_uri)


def _check_bytes(data: str, path: str) -> None:
    try:
        base64.b64decode(data.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(
            f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for \"{data[:40]}\"",
            path,
        ) from None


def _check_uri(uri: str) -> None:
    """The developer API reads its own files and YouTube, and fetches nothing else."""
    if uri.startswith(("http://", "https://")) and not uri.startswith(_OWN_FILES):
        raise invalid(f"Unsupported file uri: {uri}. Upload the file with the Files API instead.")


def _check_functions(contents: list[Content]) -> None:
    """Calls come after a user's turn and are answered, all of them, by the very next turn."""
    waiting: list[FunctionCall] = []
    for number, content in enumerate(contents):
        responses = [p.function_response for p in content.parts if p.function_response is not None]
        if responses and not waiting:
            raise invalid(
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        if waiting:
            _check_responses(waiting, responses)
        waiting = [part.function_call for part in content.parts if part.function_call is not None]
        if waiting and (content.role != "model" or contents[number - 1].role == "model"):
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn."
            )
    if waiting:
        raise invalid("Please ensure that the last turn is a user turn or a function response.")


def _check_responses(calls: list[FunctionCall], responses: list[FunctionResponse]) -> None:
    if len(calls) != len(responses):
        raise invalid(
            "Please ensure that the number of function response parts is equal to the number of "
            "function call parts of the function call turn."
        )
    for response in responses:
        if not response.name:
            raise invalid(
                "* GenerateContentRequest.contents.parts.function_response.name: Name cannot be "
                "empty.\n"
            )
    if Counter(call.name for call in calls) != Counter(one.name for one in responses):
        raise invalid(
            "Please ensure that the function response parts have the names of the function call "
            "parts of the function call turn."
        )
    called = {call.id for call in calls if call.id}
    answered = {response.id for response in responses if response.id}
    if called and answered and called != answered:
        raise invalid("Please ensure that the ids of function responses are those of the calls.")


def _check_signatures(contents: list[Content], *, needed: bool) -> None:
    """Whatever is signed must be signed by us.

    Where the model insists, the first call of each turn since the user last spoke must be signed;
    earlier turns are not looked at.
    """
    spoke = max(number for number, content in enumerate(contents) if _is_users(content))
    for number, content in enumerate(contents):
        for part in content.parts:
            if part.thought_signature and not _is_ours(part):
                raise invalid("Corrupted thought signature.")
        calls = [part for part in content.parts if part.function_call is not None]
        if needed and number > spoke and calls and not calls[0].thought_signature:
            name = calls[0].function_call.name if calls[0].function_call else ""
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly, and missing thought_signature may lead to "
                f"degraded model performance. Additional data, function call `default_api:{name}` "
                f", position {number + 1}."
            )


def _is_users(content: Content) -> bool:
    """Whether the user says something new in it; results of functions are not new."""
    return content.role != "model" and any(p.function_response is None for p in content.parts)


def _is_ours(part: Part) -> bool:
    signature = part.thought_signature
    if signature.rstrip("=") in {skip.rstrip("=") for skip in _SKIPS}:
        return True
    content = part.function_call.name if part.function_call is not None else TEXT_SEALED
    return is_sealed(PROVIDER, signature, content)
