"""Whether the condition of a rule fits a request."""

from trunkline.gateway.policy import Condition
from trunkline.gateway.routing.facts import Facts


def fits(when: Condition, facts: Facts) -> bool:
    """Whether every part of the condition that is set fits."""
    if when.teams and facts.team_id not in when.teams:
        return False
    if when.tags and not all(tag in facts.tags for tag in when.tags):
        return False
    if when.needs and not when.needs <= facts.needs:
        return False
    least, below = when.input_tokens_from, when.input_tokens_below
    if least is not None and facts.input_tokens < least:
        return False
    return below is None or facts.input_tokens < below
