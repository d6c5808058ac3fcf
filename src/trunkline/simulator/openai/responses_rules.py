"""What OpenAI demands of the settings of a Responses request."""

from trunkline.simulator.models import SimModel
from trunkline.simulator.openai.responses_body import ResponseBody
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.refusals import Refusal

ENCRYPTED = "reasoning.encrypted_content"
"""What a request includes to get its reasoning back encrypted."""

_LEAST_OUTPUT = 16
_HOTTEST = 2
_INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    ENCRYPTED,
    "message.output_text.logprobs",
)


def check_settings(asked: ResponseBody, model: SimModel) -> None:
    """Refuse settings that are out of bounds, unknown or not for this model.

    Raises:
        Refusal: with OpenAI's words for the first of them.
    """
    _check_bounds(asked)
    if asked.max_output_tokens is not None and asked.max_output_tokens > model.max_output:
        raise invalid(
            f"Invalid 'max_output_tokens': integer above maximum value. Expected a value <= "
            f"{model.max_output}, but got {asked.max_output_tokens} instead.",
            "max_output_tokens",
            "integer_above_max_value",
        )
    for number, wanted in enumerate(asked.include or ()):
        if wanted not in _INCLUDABLE:
            known = ", ".join(f"'{name}'" for name in _INCLUDABLE)
            raise invalid(
                f"Invalid value: '{wanted}'. Supported values are: {known}.",
                f"include[{number}]",
                "invalid_value",
            )
    if asked.stream_options is not None and not asked.stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if not model.name.startswith("sim-"):
        _check_reasoning_rules(asked, model)


def _check_bounds(asked: ResponseBody) -> None:
    if asked.max_output_tokens is not None and asked.max_output_tokens < _LEAST_OUTPUT:
        raise invalid(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{_LEAST_OUTPUT}, but got {asked.max_output_tokens} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    for name, value, most in (
        ("temperature", asked.temperature, _HOTTEST),
        ("top_p", asked.top_p, 1),
    ):
        if value is not None and value < 0:
            raise invalid(
                f"Invalid '{name}': decimal below minimum value. Expected a value >= 0, but got "
                f"{value:g} instead.",
                name,
                "decimal_below_min_value",
            )
        if value is not None and value > most:
            raise invalid(
                f"Invalid '{name}': decimal above maximum value. Expected a value <= {most}, but "
                f"got {value:g} instead.",
                name,
                "decimal_above_max_value",
            )


def _check_reasoning_rules(asked: ResponseBody, model: SimModel) -> None:
    """What a model refuses because it reasons, or because it does not."""
    if model.reasons:
        for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p)):
            if value not in {None, 1}:
                raise _unsupported(name)
        return
    if asked.reasoning is not None and asked.reasoning.effort is not None:
        raise _unsupported("reasoning.effort")
    if asked.reasoning is not None and asked.reasoning.summary is not None:
        raise _unsupported("reasoning.summary")
    if ENCRYPTED in (asked.include or ()):
        raise invalid("Encrypted content is not supported with this model.", "include")


def _unsupported(param: str) -> Refusal:
    return invalid(
        f"Unsupported parameter: '{param}' is not supported with this model.",
        param,
        "unsupported_parameter",
    )
