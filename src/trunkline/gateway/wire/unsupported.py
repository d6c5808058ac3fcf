"""Members of a request for which a format has no place."""

from collections.abc import Iterable
from typing import Any, Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.request import Request

# Values that ask for nothing, so that nothing is lost with them.
_NOTHING: Final[dict[str, tuple[Any, ...]]] = {
    "service_tier": ("auto", "default"),
    "metadata": ({},),
    "logit_bias": ({},),
    "min_p": (0,),
    "repetition_penalty": (1,),
    "top_logprobs": (0,),
}
_UNKNOWN: Final = "the provider's API has no such setting"
_ONE_ANSWER: Final = "the provider gives one answer"


def lose_members(request: Request, names: Iterable[str], losses: Losses) -> None:
    """Note those of these members that ask for something, and alternatives beyond the first."""
    for name in names:
        value = getattr(request, name)
        if value is not None and value not in _NOTHING.get(name, ()):
            losses.lose(name, _UNKNOWN)
    if request.answers is not None and request.answers > 1:
        losses.lose("n", _ONE_ANSWER)
