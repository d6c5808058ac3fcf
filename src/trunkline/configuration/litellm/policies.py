"""LiteLLM's settings of its router as the policy of each published model."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from trunkline.configuration.litellm.deployments import Deployment
from trunkline.configuration.litellm.fallbacks import Fallbacks
from trunkline.configuration.litellm.fields import Fields
from trunkline.configuration.litellm.report import Report
from trunkline.connections.schemas import MAX_WEIGHT

_MAX_TARGETS = 20
_MAX_ATTEMPTS = 10
_LONGEST_OPEN = 3600.0

_STRATEGIES: Mapping[str, tuple[str, str | None]] = MappingProxyType({
    "simple-shuffle": ("weighted", None),
    "latency-based-routing": ("latency", None),
    "cost-based-routing": ("price", None),
    "least-busy": ("latency", "the quicker of two targets is preferred, which busy ones are not"),
    "usage-based-routing": ("weighted", "targets are weighed by their rates, not by their use"),
    "usage-based-routing-v2": ("weighted", "targets are weighed by their rates, not by their use"),
})  # fmt: skip


class Policies:
    """The router's settings, which may also stand among those of LiteLLM itself.

    Its state is what it read; ``targets`` and ``route`` write it down for a model.
    """

    def __init__(
        self, router: Fields, general: Fields, fallbacks: Fallbacks, report: Report
    ) -> None:
        self._report = report
        self._fallbacks = fallbacks
        self._strategy = self._read_strategy(router)
        self._common: dict[str, Any] = {}
        self._read_retries(router, general)
        self._read_timeouts(router, general)
        self._read_circuit(router, general)

    def targets(self, deployments: Sequence[Deployment]) -> list[dict[str, Any]]:
        """The targets of a model, each once, in the order in which LiteLLM tries them."""
        ordered = sorted(deployments, key=_order)
        shares = _weights(ordered)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for deployment, weight in zip(ordered, shares, strict=True):
            key = (deployment.connection, deployment.model)
            if key in found:
                message = f"is the same target of {deployment.alias!r} again"
                self._report.approximated(deployment.path, message)
            elif len(found) == _MAX_TARGETS:
                message = f"a model has at most {_MAX_TARGETS} targets"
                self._report.left_out(deployment.path, message)
            else:
                found[key] = {"connection": key[0], "model": key[1], "weight": weight}
        targets = list(found.values())
        if len({target["weight"] for target in targets}) == 1:
            for target in targets:
                del target["weight"]
        return targets

    def route(self, name: str, deployments: Sequence[Deployment], targets: int) -> dict[str, Any]:
        """The policy of a model; empty where that is the one of the defaults."""
        route: dict[str, Any] = {}
        if targets > 1:
            orders = {_order(deployment) for deployment in deployments}
            route["policy"] = "ordered" if len(orders) > 1 else self._strategy
            if 1 < len(orders) < targets:
                message = f"targets of {name!r} with the same order are tried as they are written"
                self._report.approximated(f"{deployments[0].path}.litellm_params.order", message)
        if fallbacks := self._fallbacks.of(name):
            route["fallbacks"] = fallbacks
        return route | self._own(deployments)

    def _own(self, deployments: Sequence[Deployment]) -> dict[str, Any]:
        """What deployments say themselves wins over the router's settings."""
        own: dict[str, Any] = {name: dict(value) for name, value in self._common.items()}
        retries = [d.retries for d in deployments if d.retries is not None]
        if retries:
            own["retry"] = own.get("retry", {}) | {"attempts": _attempts(max(retries))}
        for member, values in (
            ("total", [d.timeout for d in deployments]),
            ("first_token", [d.stream_timeout for d in deployments]),
        ):
            given = [value for value in values if value]
            if given:
                own["timeouts"] = own.get("timeouts", {}) | {member: max(given)}
            if len(set(given)) > 1:
                path = f"{deployments[0].path}.litellm_params"
                self._report.approximated(path, "targets of one model share the longest timeout")
        return own

    def _read_strategy(self, router: Fields) -> str:
        given = router.text("routing_strategy")
        if given is None:
            return "weighted"
        policy, differs = _STRATEGIES.get(given, ("weighted", "has no counterpart: by weight"))
        if differs is None:
            self._report.translated(router.at("routing_strategy"), f"policy {policy}")
        else:
            self._report.approximated(router.at("routing_strategy"), f"policy {policy}: {differs}")
        return policy

    def _read_retries(self, router: Fields, general: Fields) -> None:
        retry: dict[str, Any] = {}
        for where in (general, router):
            retries = where.number("num_retries")
            if retries is not None:
                retry["attempts"] = _attempts(retries)
                message = "tries at the same target; other targets and fallbacks come afterwards"
                self._report.approximated(where.at("num_retries"), message)
        wait = router.number("retry_after")
        if wait:
            retry["base"] = min(wait, 60.0)
            message = "is where waits begin, at random below it, unless the provider names one"
            self._report.approximated(router.at("retry_after"), message)
        if retry:
            self._common["retry"] = retry

    def _read_timeouts(self, router: Fields, general: Fields) -> None:
        timeouts: dict[str, Any] = {}
        for where, name, member, means in (
            (general, "request_timeout", "total", "time of one attempt"),
            (router, "timeout", "total", "time of one attempt"),
            (router, "stream_timeout", "first_token", "time until the first content"),
        ):
            if seconds := where.number(name):
                timeouts[member] = seconds
                self._report.translated(where.at(name), means)
        if timeouts:
            self._common["timeouts"] = timeouts

    def _read_circuit(self, router: Fields, general: Fields) -> None:
        circuit: dict[str, Any] = {}
        for where in (general, router):
            fails, rest = where.number("allowed_fails"), where.number("cooldown_time")
            if fails is not None:
                circuit["minimum"] = max(int(fails) + 1, 1)
                message = "so many calls a minute and one more, half of them failed, open a circuit"
                self._report.approximated(where.at("allowed_fails"), message)
            if rest:
                circuit["open"] = min(rest, _LONGEST_OPEN)
                message = "is how long a circuit is open before one probe"
                self._report.approximated(where.at("cooldown_time"), message)
        if router.flag("disable_cooldowns"):
            circuit = {"enabled": False}
            self._report.translated(router.at("disable_cooldowns"), "circuits never open")
        if circuit.get("open", 0.0) > 600.0:
            circuit["longest"] = circuit["open"]
        if circuit:
            self._common["circuit"] = circuit


def _order(deployment: Deployment) -> float:
    """Targets without an order come last, as at LiteLLM."""
    return math.inf if deployment.order is None else deployment.order


def _weights(deployments: Sequence[Deployment]) -> list[int]:
    """Whole weights in the proportions of the shares; a target without one gets the smallest."""
    shares = [deployment.share for deployment in deployments if deployment.share]
    if not shares:
        return [1] * len(deployments)
    whole = all(share == int(share) for share in shares)
    unit = math.gcd(*(int(share) for share in shares)) if whole else min(shares)
    scale = max(1.0, max(shares) / unit / MAX_WEIGHT)
    return [max(1, round((deployment.share or unit) / unit / scale)) for deployment in deployments]


def _attempts(retries: float) -> int:
    return min(int(retries) + 1, _MAX_ATTEMPTS)
