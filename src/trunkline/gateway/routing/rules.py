"""Whether the condition of a rule fits a request."""

from typing import Literal

from trunkline.gateway.policy import Condition
from trunkline.gateway.routing.facts import Facts

Misfit = Literal["teams", "tags", "input_tokens_from", "input_tokens_below", "needs"]
"""The part of a condition that does not fit."""


def misfit(when: Condition, facts: Facts) -> Misfit | None:
    """The first part of the condition that does not fit; None where all of it fits.

    Hot: it is asked of rule after rule with each request, so its words are found by ``why_unfit``.
    """
    if when.teams and facts.team_id not in when.teams:
        return "teams"
    if when.tags:
        tags = facts.tags
        for tag in when.tags:
            if tag not in tags:
                return "tags"
    if when.input_tokens_from is not None and facts.input_tokens < when.input_tokens_from:
        return "input_tokens_from"
    if when.input_tokens_below is not None and facts.input_tokens >= when.input_tokens_below:
        return "input_tokens_below"
    if when.needs and not when.needs <= facts.needs:
        return "needs"
    return None


def why_unfit(lack: Misfit, when: Condition, facts: Facts) -> str:
    """Why this part does not fit, as the end of a sentence."""
    if lack == "teams":
        return "the caller's team is not one of the rule's"
    if lack == "tags":
        name, value = next(tag for tag in when.tags if tag not in facts.tags)
        return f"there is no tag {name}={value}"
    tokens = f"the input has about {facts.input_tokens} tokens"
    if lack == "input_tokens_from":
        return f"{tokens}, fewer than {when.input_tokens_from}"
    if lack == "input_tokens_below":
        return f"{tokens}, not fewer than {when.input_tokens_below}"
    return f"the request does not ask for {', '.join(sorted(when.needs - facts.needs))}"
