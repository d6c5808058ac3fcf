"""How tools, thought and the form of the answer are asked for in this wire, read and written.

A member that would be written otherwise than it came stays where it is, beside what was read of it.
"""

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, ToolChoice


def read_choice(rest: Document) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several tools may be called at once."""
    value = rest.get("tool_choice")
    if not isinstance(value, dict):
        return None, None
    alone = value.get("disable_parallel_tool_use")
    parallel = not alone if isinstance(alone, bool) else None
    match value:
        case {"type": "auto"}:
            choice = ToolChoice("auto")
        case {"type": "any"}:
            choice = ToolChoice("required")
        case {"type": "none"}:
            choice = ToolChoice("none")
        case {"type": "tool", "name": str(name)}:
            choice = ToolChoice("required", (name,))
        case _:
            return None, None
    if write_choice(choice, parallel) == value:
        del rest["tool_choice"]
    return choice, parallel


def write_choice(choice: ToolChoice, parallel: bool | None) -> Document:  # noqa: FBT001 - the request's own member
    """The member ``tool_choice``."""
    if choice.mode == "required":
        document: Document = {"type": "any"}
        if choice.names:
            document = {"type": "tool", "name": choice.names[0]}
    else:
        document = {"type": choice.mode}
    if parallel is not None:
        document["disable_parallel_tool_use"] = not parallel
    return document


def read_output(rest: Document) -> OutputFormat | None:
    """The format of ``output_config``, or of the member that preceded it."""
    config = rest.get("output_config")
    if isinstance(config, dict) and isinstance(config.get("format"), dict):
        asked = config["format"]
    else:
        asked = rest.get("output_format")
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return None
    schema = asked.get("schema")
    return OutputFormat("json_schema", schema=schema) if isinstance(schema, dict) else None


def read_reasoning(rest: Document) -> ReasoningAsk | None:
    """What ``thinking`` and ``output_config`` say; both stay where they say anything else."""
    thinking, config = rest.get("thinking"), rest.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    ask = ReasoningAsk(effort=effort) if isinstance(effort, str) else None
    if isinstance(thinking, dict):
        ask = _read_thinking(thinking, ask.effort if ask else None) or ask
        if ask is not None and write_thinking(ask) == thinking:
            del rest["thinking"]
    if isinstance(config, dict):
        output = read_output(rest)
        known = "output_format" not in rest and write_config(ask, output) == config
        if config and known:
            del rest["output_config"]
    return ask


def _read_thinking(thinking: Document, effort: str | None) -> ReasoningAsk | None:
    display = thinking.get("display")
    show = None if display is None else display != "omitted"
    match thinking:
        case {"type": "enabled", "budget_tokens": int(budget)} if not isinstance(budget, bool):
            return ReasoningAsk(enabled=True, effort=effort, budget=budget, show=show)
        case {"type": "adaptive"}:
            return ReasoningAsk(enabled=True, effort=effort, show=show)
        case {"type": "disabled" | "between_tools"}:
            return ReasoningAsk(enabled=False, effort=effort)
    return None


def write_thinking(ask: ReasoningAsk) -> Document | None:
    """The member ``thinking``, or None where only an effort is asked for."""
    if ask.enabled is None:
        return None
    if not ask.enabled:
        return {"type": "disabled"}
    document: Document = {"type": "adaptive"}
    if ask.budget is not None:
        document = {"type": "enabled", "budget_tokens": ask.budget}
    if ask.show is not None:
        document["display"] = "summarized" if ask.show else "omitted"
    return document


def write_config(ask: ReasoningAsk | None, output: OutputFormat | None) -> Document:
    """The member ``output_config``; empty where there is nothing to say in it."""
    config: Document = {}
    if ask is not None and ask.effort is not None:
        config["effort"] = ask.effort
    if output is not None and output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": output.schema}
    return config
