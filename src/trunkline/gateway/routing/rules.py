"""Whether the condition of a rule fits a request."""

from trunkline.gateway.policy import Condition
from trunkline.gateway.routing.facts import Facts


def misfit(when: Condition, facts: Facts) -> str | None:
    """Why the condition does not fit, as the end of a sentence; None where all of it fits."""
    if when.teams and facts.team_id not in when.teams:
        return "the caller's team is not one of the rule's"
    for name, value in when.tags:
        if (name, value) not in facts.tags:
            return f"there is no tag {name}={value}"
    least, below = when.input_tokens_from, when.input_tokens_below
    if least is not None and facts.input_tokens < least:
        return f"the input has about {facts.input_tokens} tokens, fewer than {least}"
    if below is not None and facts.input_tokens >= below:
        return f"the input has about {facts.input_tokens} tokens, not fewer than {below}"
    if when.needs and not when.needs <= facts.needs:
        return f"the request does not ask for {', '.join(sorted(when.needs - facts.needs))}"
    return None
