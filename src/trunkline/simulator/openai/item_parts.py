"""The parts inside the items of the Responses API: texts, pictures, files, refusals."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from trunkline.simulator.openai.sizes import FILE_TOKENS, HIGH_DETAIL_IMAGE, LOW_DETAIL_IMAGE
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.question import Segment, fixed_segment, text_segment
from trunkline.simulator.reading import decode, digest_of
from trunkline.simulator.refusals import Refusal

Shape = TypeVar("Shape")


class _AnyType(msgspec.Struct):
    type: str


class Typed(msgspec.Struct, forbid_unknown_fields=True):
    """Something that says what it is, and has no member that its type does not have."""

    type: str


class _InputText(Typed):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _InputImage(Typed):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _InputFile(Typed):
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _OutputText(Typed):
    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class _RefusedText(Typed):
    refusal: str


Part = _InputText | _InputImage | _InputFile | _OutputText | _RefusedText

SAID: Mapping[str, type[Part]] = {
    "input_text": _InputText,
    "input_image": _InputImage,
    "input_file": _InputFile,
}
"""What a client, or the output of a tool, may say."""

ANSWERED: Mapping[str, type[Part]] = {"output_text": _OutputText, "refusal": _RefusedText}
"""What the assistant may have said."""


def read_content(
    content: str | list[msgspec.Raw], shapes: Mapping[str, type[Part]], place: str
) -> tuple[list[Segment], str]:
    """What a content counts for, and its text.

    Raises:
        Refusal: a part is none of the shapes.
    """
    if isinstance(content, str):
        return [text_segment(content)], content
    parts = [_part(raw, shapes, f"{place}[{number}]") for number, raw in enumerate(content)]
    texts = [part.text for part in parts if isinstance(part, _InputText | _OutputText)]
    return [_segment(part) for part in parts], " ".join(texts)


def _part(raw: msgspec.Raw, shapes: Mapping[str, type[Part]], place: str) -> Part:
    kind = read_shape(raw, _AnyType, place).type
    shape = shapes.get(kind)
    if shape is None:
        raise not_among(kind, list(shapes), place)
    return read_shape(raw, shape, place)


def _segment(part: Part) -> Segment:
    match part:
        case _InputImage():
            size = LOW_DETAIL_IMAGE if part.detail == "low" else HIGH_DETAIL_IMAGE
            return fixed_segment(f"image {digest_of(part.image_url or part.file_id)}", size)
        case _InputFile():
            given = part.file_data or part.file_url or part.file_id
            return fixed_segment(f"file {digest_of(given)}", FILE_TOKENS)
        case _RefusedText():
            return text_segment(part.refusal)
        case _:
            return text_segment(part.text)


def not_among(value: str, known: list[str], place: str) -> Refusal:
    """OpenAI's answer to a value that is none of those it knows."""
    *most, last = (f"'{one}'" for one in known)
    listed = f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}"
    return invalid(
        f"Invalid value: '{value}'. Supported values are: {listed}.", place, "invalid_value"
    )


def read_shape(raw: msgspec.Raw, shape: type[Shape], place: str) -> Shape:
    """The structure at a place of the request.

    Raises:
        Refusal: it has another shape.
    """
    return decode(raw, shape, invalid, inside=place)
