"""What Ollama counts. It reports its prompt and its answer, and no parts of them."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.reply import Stop
from trunkline.gateway.metering.usage import NO_USAGE, Usage

# A model that is loaded or unloaded by an empty request reads and writes nothing.
_WITHOUT_WORK = frozenset({"load", "unload"})


class Counts(msgspec.Struct):
    """The end of an answer, whole or streamed."""

    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None


def usage_of(counts: Counts, *, answered: bool) -> Usage | None:
    """The usage, or None where it is unknown.

    A prompt that is wholly cached is not counted, which does not make it nothing. Ollama leaves out
    a zero, so an answer without any content and without a count had no token.
    """
    if counts.done_reason in _WITHOUT_WORK:
        return NO_USAGE
    prompt, output = counts.prompt_eval_count, counts.eval_count
    if output is None and not answered:
        output = 0
    if prompt is None or output is None or prompt < 0 or output < 0:
        return None
    return Usage(input=prompt, output=output)


def counts_for(usage: Usage | None) -> dict[str, int]:
    """The members that tell a caller of Ollama's formats what was used; none where it is unknown.

    Durations stay out: nobody measured them as Ollama does.
    """
    if usage is None:
        return {}
    return {"prompt_eval_count": usage.input_total, "eval_count": usage.output_total}


def stop_for(native: Any, *, called: bool) -> Stop:
    """Why the model stopped; Ollama has no word for a tool call."""
    word = native if isinstance(native, str) else None
    if called:
        return Stop("tools", word)
    return Stop("length" if word == "length" else "end", word)


def done_reason(stop: Stop) -> str:
    """Ollama's word for why the model stopped."""
    if stop.native in _WITHOUT_WORK:
        return stop.native or ""
    return "length" if stop.reason == "length" else "stop"
