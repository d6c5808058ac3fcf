"""How an answer is wanted: in which form, and after how much thinking."""

from typing import Any

from trunkline.simulator.gemini.schema import json_schema_of
from trunkline.simulator.gemini.shapes import GenerationConfig, invalid
from trunkline.simulator.models import SimModel
from trunkline.simulator.reading import JSON_OBJECT

_JSON = "application/json"
_MOST_STOPS = 5
_MOST_CANDIDATES = 8
_THINKING_TOKENS = {"minimal": 24, "low": 48, "medium": 96, "high": 160}
_DYNAMIC = -1
_BUDGETS_ONLY = ("gemini-2.5",)
_ALWAYS_THINK = ("pro", "pro-preview")


def thinking_tokens(config: GenerationConfig, model: SimModel) -> int:
    """About how long the model thinks; not at all where it must be asked and was not.

    Raises:
        Refusal: the model cannot be told this.
    """
    thinking = config.thinking_config
    if thinking is None:
        return _THINKING_TOKENS["medium"] if model.reasons else 0
    budget, level = thinking.thinking_budget, thinking.thinking_level.lower()
    if level and budget is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if level:
        if model.name.startswith(_BUDGETS_ONLY):
            raise invalid("Thinking level is not supported for this model.")
        if level not in _THINKING_TOKENS:
            raise invalid(f"Invalid value at 'generation_config.thinking_config' \"{level}\"")
        return _THINKING_TOKENS[level]
    if budget == 0:
        if model.reasons and model.name.endswith(_ALWAYS_THINK):
            raise invalid("Budget 0 is invalid. This model only works in thinking mode.")
        return 0
    if budget is None or budget == _DYNAMIC:
        asked_for = thinking.include_thoughts or budget == _DYNAMIC
        return _THINKING_TOKENS["medium"] if asked_for or model.reasons else 0
    if budget < _DYNAMIC:
        raise invalid("The thinking budget must be -1, 0 or a positive number.")
    return min(budget, _THINKING_TOKENS["high"])


def answer_schema(config: GenerationConfig, *, vertex: bool) -> dict[str, Any] | None:
    """The JSON schema of the answer, where one is asked for.

    Raises:
        Refusal: the schema is one that Google does not know, or not for this kind of text.
    """
    own, standard = config.response_schema, config.response_json_schema
    if own is not None and standard is not None:
        raise invalid("response_schema and response_json_schema are mutually exclusive.")
    if (own is not None or standard is not None) and config.response_mime_type != _JSON:
        raise invalid(
            "A response schema is only allowed with the response mime type application/json."
        )
    if own is not None:
        return json_schema_of(own, "generation_config.response_schema", vertex=vertex)
    if standard is not None:
        if not isinstance(standard, dict):
            raise invalid("response_json_schema must be an object.")
        return standard
    return JSON_OBJECT if config.response_mime_type == _JSON else None


def check_settings(config: GenerationConfig, model: SimModel) -> None:
    """Refuse numbers that are out of range.

    Raises:
        Refusal: with Google's sentence.
    """
    _check_range("temperature", config.temperature, 0, 2)
    _check_range("top_p", config.top_p, 0, 1)
    _check_range("candidate_count", config.candidate_count, 1, _MOST_CANDIDATES)
    _check_range("max_output_tokens", config.max_output_tokens, 1, model.max_output)
    if len(config.stop_sequences) > _MOST_STOPS:
        raise invalid(f"The number of stop sequences must be at most {_MOST_STOPS}.")


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise invalid(
            f"* GenerateContentRequest.generation_config.{name}: {name} must be in the range "
            f"[{least:g}, {most:g}].\n"
        )
