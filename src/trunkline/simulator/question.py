"""What a request asks of a model, whichever wire it came by."""

from typing import Any, Literal

import msgspec

from trunkline.simulator.models import SimModel
from trunkline.simulator.tokens import split_tokens


class Segment(msgspec.Struct, frozen=True):
    """A stretch of the prompt: a message's part, the system text, the tools.

    Attributes:
        pieces: one string per token; overhead and images are tokens with made-up names, so that
            equal prompts have equal pieces.
        cached_for: lifetime of the cache entry that ends here, where the request asks for one.
    """

    pieces: tuple[str, ...]
    cached_for: Literal["5m", "1h"] | None = None


class Tool(msgspec.Struct, frozen=True):
    """A function that the model may call.

    Attributes:
        schema: JSON schema of the arguments.
        freeform: whether it takes any text instead of arguments.
    """

    name: str
    schema: dict[str, Any] = {}
    freeform: bool = False


class Question(msgspec.Struct, frozen=True):
    """A request, read and checked.

    Attributes:
        prompt: everything that counts as input, in order.
        last_text: the text of the newest user message; the answer speaks about it.
        texts: where several prompts are asked at once, the text that each choice speaks about.
        after_tools: whether the newest message carries results of tools.
        tools: what may be called.
        tool_choice: ``auto``, ``none``, ``required``, or the name of a tool after ``=``.
        parallel: whether several calls may come at once.
        schema: JSON schema of the text, where the request asks for one.
        max_output: most tokens to generate, or None.
        stops: texts that end the answer.
        choices: how many answers.
        stream: whether the answer comes as events.
        include_usage: whether an OpenAI stream ends with its usage.
        reasoning_tokens: least tokens of reasoning to generate; 0 for none.
        show_reasoning: whether the text of the reasoning is sent.
        service_tier: the tier that the answer reports.
        repeated: what else of the request its wire needs to write the answer down, in a shape of
            the wire's own.
    """

    model: SimModel
    prompt: tuple[Segment, ...]
    last_text: str = ""
    texts: tuple[str, ...] = ()
    after_tools: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    schema: dict[str, Any] | None = None
    max_output: int | None = None
    stops: tuple[str, ...] = ()
    choices: int = 1
    stream: bool = False
    include_usage: bool = False
    reasoning_tokens: int = 0
    show_reasoning: bool = False
    service_tier: str = "default"
    repeated: Any = None

    @property
    def input_tokens(self) -> int:
        """How many tokens the prompt has."""
        return sum(len(segment.pieces) for segment in self.prompt)


def text_segment(text: str, cached_for: Literal["5m", "1h"] | None = None) -> Segment:
    """A segment of text."""
    return Segment(tuple(split_tokens(text)), cached_for)


def fixed_segment(
    label: str, tokens: int, cached_for: Literal["5m", "1h"] | None = None
) -> Segment:
    """A segment of a stated size, such as an image; the label tells it from others."""
    return Segment((f"<{label}>",) * tokens, cached_for)
