"""What a caller has left of the budgets that cover it, for the usage API."""

from trunkline.gateway.caller import Caller
from trunkline.kit.money import format_usd
from trunkline.limits.adapter import InProcessAdmission


def budgets_left(admission: InProcessAdmission, caller: Caller) -> list[dict[str, object]]:
    """The budgets of the caller's organisation, team, user and key; amounts in decimal dollars.

    ``left`` is what a new request could hold: the amount less what is spent and held.
    """
    own = {
        ("org", caller.org_id),
        ("team", caller.team_id),
        ("user", caller.user_id),
        ("key", caller.key_id),
    }
    return [
        {
            "budget": standing.rule_id,
            "scope": standing.scope,
            "amount": format_usd(standing.amount_nano),
            "spent": format_usd(standing.spent_nano),
            "held": format_usd(standing.held_nano),
            "left": format_usd(
                max(0, standing.amount_nano - standing.spent_nano - standing.held_nano)
            ),
            "resets_ms": standing.resets_ms,
        }
        for standing in admission.standings(caller.org_id)
        if standing.known and (standing.scope, standing.scope_id) in own
    ]
