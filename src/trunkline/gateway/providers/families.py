"""Whose signatures a model can read."""

import re
from typing import Final

from trunkline.gateway.exchange.parts import Family
from trunkline.gateway.providers.provider import Provider

# A reseller names the maker's model somewhere in its own id: us.anthropic.claude-sonnet-4-5,
# google/gemini-2.5-pro, openai/gpt-5. The open weights of gpt-oss sign nothing.
_SIGNS: Final[tuple[tuple[re.Pattern[str], Family], ...]] = (
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gemini"), "google"),
    (re.compile(r"gpt-(?!oss)|(?:^|[/.])o[1-9]"), "openai"),
)


def family_of(provider: Provider | None, model: str) -> Family:
    """The provider's family where all its models are of one maker, else told by the model's id."""
    if provider is not None and provider.family:
        return provider.family
    name = model.lower()
    return next((family for sign, family in _SIGNS if sign.search(name)), "other")
