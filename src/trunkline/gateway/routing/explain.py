"""Why a request would be served by which target: what ``choose`` answers, in words.

It is found with the same functions, so what is told is what happens. Where chance has a part in
the order, one draw is shown.
"""

import random
from collections.abc import Mapping
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.routing.choose import Selection, arrange, choose, select
from trunkline.gateway.routing.explanation import (
    Explanation,
    ToldFacts,
    ToldFallback,
    ToldRule,
    ToldTarget,
)
from trunkline.gateway.routing.facts import Facts
from trunkline.gateway.routing.ordering import likely_cost
from trunkline.gateway.routing.reasons import among, why_here, why_not
from trunkline.gateway.routing.rules import misfit, why_unfit
from trunkline.gateway.routing.speaking import speak
from trunkline.gateway.routing.view import CircuitState, HealthView
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.wire.contract import Inbound, Wire
from trunkline.kit.money import format_usd

_BY_CHANCE: Final = frozenset({"weighted", "latency"})


class Case(msgspec.Struct, frozen=True):
    """What is to be explained.

    Attributes:
        aliases: by public name, those that may follow.
        wire: the caller's.
        operation: what is asked for.
        request: as far as it decides which targets can be asked.
        view: how the targets fare; None where no process is asked that knows.
    """

    alias: Alias
    aliases: Mapping[str, Alias]
    wire: Wire
    operation: str
    request: Inbound
    facts: Facts
    view: HealthView | None = None


def explain(case: Case, rng: random.Random) -> Explanation:
    """What would happen to this request now, and why."""
    alias, view = case.alias, _view(case)
    selection = select(alias, case.facts)
    arranged = arrange(alias, selection, case.facts, view, rng)
    order = [target for target in arranged if _spoken(case, target) is not None]
    told = [
        _told(
            case,
            target,
            place,
            why_here(target, order, selection, alias.route, case.facts, view),
        )
        for place, target in enumerate(order, 1)
    ]
    told += [
        _told(case, target, None, why_not(target, selection, _spoken(case, target)))
        for target in alias.targets
        if not among(target, order)
    ]
    return Explanation(
        model=alias.name,
        policy=selection.strategy,
        by_chance=selection.strategy in _BY_CHANCE and len(order) > 1,
        rules=_told_rules(case, selection),
        targets=told,
        fallbacks=_told_fallbacks(case, rng),
        facts=_told_facts(case.facts),
    )


class _NothingKnown(HealthView):
    @override
    def state(self, target: Target) -> CircuitState:
        return "closed"

    @override
    def first_content(self, target: Target) -> float | None:
        return None

    @override
    def in_flight(self, target: Target) -> int:
        return 0


_NOTHING_KNOWN: Final = _NothingKnown()


def _view(case: Case) -> HealthView:
    return case.view or _NOTHING_KNOWN


def _spoken(case: Case, target: Target) -> str | None:
    """The format in which a target is asked."""
    speech = speak(target, case.wire, case.operation, case.request)
    return None if speech is None else speech.wire.name


def _named(target: Target) -> str:
    return f"{target.connection.name}/{target.model}"


def _told(case: Case, target: Target, place: int | None, why: str) -> ToldTarget:
    view, cost = case.view, likely_cost(target, case.facts)
    return ToldTarget(
        target=_named(target),
        place=place,
        why=why,
        state=target.state,
        weight=target.weight,
        wire=_spoken(case, target),
        circuit=None if view is None else view.state(target),
        first_content=None if view is None else view.first_content(target),
        in_flight=None if view is None else view.in_flight(target),
        likely_cost=None if cost is None else format_usd(cost),
    )


def _told_rules(case: Case, selection: Selection) -> list[ToldRule]:
    told = []
    for place, rule in enumerate(case.alias.route.rules):
        if selection.rule is not None and place > selection.rule:
            why = f"rule {selection.rule + 1} held before it"
        else:
            lack = misfit(rule.when, case.facts)
            why = why_unfit(lack, rule.when, case.facts) if lack else "all of its condition fits"
        told.append(ToldRule(place + 1, place == selection.rule, why))
    return told


def _told_fallbacks(case: Case, rng: random.Random) -> list[ToldFallback]:
    told = []
    for kind, names in case.alias.route.fallbacks.items():
        for name in names:
            alias = case.aliases.get(name)
            order = () if alias is None else choose(alias, lambda: case.facts, _view(case), rng)
            asked = [_named(target) for target in order if _spoken(case, target) is not None]
            told.append(ToldFallback(kind, name, asked))
    return told


def _told_facts(facts: Facts) -> ToldFacts:
    conversation = facts.conversation
    return ToldFacts(
        team_id=facts.team_id,
        tags=facts.tags,
        user=facts.user,
        conversation=None if conversation is None else _readable(conversation),
        goes_on=facts.goes_on,
        input_tokens=facts.input_tokens,
        output_tokens=facts.output_tokens,
        needs=sorted(facts.needs),
    )


def _readable(conversation: bytes) -> str:
    if conversation.isascii():
        text = conversation.decode()
        if text.isprintable():
            return text
    return conversation.hex()
