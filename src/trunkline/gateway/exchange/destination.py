"""Where a request is going: what its writer must know of the model and of the provider."""

from typing import Literal

import msgspec

from trunkline.gateway.exchange.parts import Family

Thinking = Literal["", "budget", "adaptive", "level", "effort", "switch"]
"""How a model is told to think: by tokens (older Claude, Gemini 2.5), by ``adaptive`` and an effort
(newer Claude), by a level (Gemini 3), by an effort word (OpenAI), by on and off; empty: it cannot
be told."""


class Traits(msgspec.Struct, frozen=True):
    """What one model cannot do, and how it is told what it can. Data of the capability table.

    Attributes:
        refuses: members of ``Request`` and kinds of parts that the model refuses, such as
            ``temperature``, ``stop``, ``forced_tools``, ``prefill``, ``image``, ``json_schema``.
        refuses_thinking: what it refuses besides while it thinks.
        efforts: effort words that it takes, least first; empty for all.
        least_budget: fewest tokens of a thinking budget.
        most_budget: most tokens of it, or None.
        thinks_unasked: whether it thinks when the request does not say.
        thinks_always: whether its thinking cannot be turned off.
        late_system: whether a system message may stand after the first user message.
    """

    refuses: frozenset[str] = frozenset()
    refuses_thinking: frozenset[str] = frozenset()
    thinking: Thinking = ""
    efforts: tuple[str, ...] = ()
    least_budget: int = 1024
    most_budget: int | None = None
    thinks_unasked: bool = False
    thinks_always: bool = False
    late_system: bool = False


class Quirks(msgspec.Struct, frozen=True):
    """How a provider's dialect of a shared wire differs. Data of the provider registry.

    Attributes:
        refuses: members of the wire that the provider refuses, by their name in the wire.
        takes: members beyond the wire that it takes, such as ``top_k``.
        renamed: pairs of a member's name in the wire and the provider's own.
        required_word: the word for "a tool must be called".
        reasoning_member: the member of an assistant message in which thought goes back, or None.
        reasoning_setting: the member in which it is told how much to think.
        short_tool_ids: tool-call ids must be nine letters or digits (Mistral).
        answers_results: a user's message must not follow the results of tools (Mistral), so that a
            short answer of the model is put between them.
        developer_role: whether it knows the role ``developer``.
        stream_options: whether it takes ``stream_options``.
        fetches: whether it fetches images and files from web addresses by itself.
        fetches_from: beginnings of the addresses that it fetches although it fetches no others.
    """

    refuses: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()
    required_word: str = "required"
    reasoning_member: str | None = None
    reasoning_setting: Literal["reasoning_effort", "reasoning", "thinking", ""] = ""
    short_tool_ids: bool = False
    answers_results: bool = False
    developer_role: bool = False
    stream_options: bool = True
    fetches: bool = True
    fetches_from: tuple[str, ...] = ()


class Destination(msgspec.Struct, frozen=True):
    """One target as a writer sees it.

    Attributes:
        model: the upstream id.
        max_output_tokens: the model's own maximum, for wires that demand a ceiling.
        output_limit_field: the member in which the provider takes a ceiling.
        family: whose signatures the target can read.
    """

    model: str
    max_output_tokens: int = 32_768
    output_limit_field: str = "max_tokens"
    family: Family = ""
    traits: Traits = Traits()
    quirks: Quirks = Quirks()
