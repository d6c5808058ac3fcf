"""Rows of the database as a configuration would write them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import asdict
from pydantic import BaseModel

from trunkline.configuration.schema import KeySection
from trunkline.connections.rows import FREE_RATES, AliasRow, ConnectionRow, PriceOverride
from trunkline.connections.schemas import (
    DAY_MS,
    PER_THOUSAND,
    ConnectionSpec,
    ModelSpec,
    PriceSpec,
    TargetSpec,
)
from trunkline.gateway.providers.registry import find_provider
from trunkline.identity.records import DEFAULT_SCOPES, Key
from trunkline.kit.money import format_usd
from trunkline.limits.rules import BudgetRule, LimitRule
from trunkline.limits.schemas import BudgetSpec, LimitSpec

Names = Mapping[str, Mapping[str, str]]
"""Kind of a scope -> identifier -> what people call it."""

_PLACE = re.compile(r"\\\{(\w+)\\\}")


def without_defaults(values: Mapping[str, Any], form: type[BaseModel]) -> dict[str, Any]:
    """The fields of a form that have something else than their default, in the form's order."""
    return {
        name: list(values[name]) if isinstance(values[name], tuple) else values[name]
        for name, field in form.model_fields.items()
        if name in values and values[name] != field.get_default(call_default_factory=True)
    }


def written_connection(row: ConnectionRow) -> dict[str, Any]:
    """A connection; an address that its provider fills with places is written by these."""
    several = len(row.references) > 1
    values = {
        "name": row.name,
        "provider": row.provider,
        "secret": None if several else row.secret,
        "secrets": row.references if several else (),
        "headers": dict(sorted(row.headers.items())),
        "cancels_on_close": row.cancels_on_close,
        **_address(row),
    }
    return without_defaults(values, ConnectionSpec)


def _address(row: ConnectionRow) -> dict[str, str | None]:
    provider = find_provider(row.provider)
    if provider is None or row.base_url is None:
        return {"base_url": row.base_url}
    places = _places(provider.base_url, row.base_url)
    names = {"name": row.name, "provider": row.provider}
    if places and ConnectionSpec.model_validate({**names, **places}).address == row.base_url:
        return {**places}
    return {"base_url": row.base_url}


def _places(template: str, address: str) -> dict[str, str]:
    """What stands in the places of an address; nothing where it is another one."""
    seen: set[str] = set()

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?)"

    matched = re.fullmatch(_PLACE.sub(place, re.escape(template)), address)
    return matched.groupdict() if matched else {}


def written_guardrail(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A guardrail; what it looks for is kept as it was written."""
    return {"name": name, **spec}


def written_model(row: AliasRow) -> dict[str, Any]:
    """A published model with its policies, which are kept as they were written."""
    targets = [without_defaults(target._asdict(), TargetSpec) for target in row.targets]
    return without_defaults({**asdict(row), "targets": targets}, ModelSpec)


def written_price(row: PriceOverride) -> dict[str, Any]:
    """A price in dollars, as its provider lists it."""
    free = row.rates == FREE_RATES and not row.request_nano
    rates = {
        bucket: format_usd(nano // PER_THOUSAND if bucket == "searches" else nano)
        for bucket, nano in row.rates.items()
        if not free
    }
    values = {
        "provider": row.provider,
        "connection": row.connection,
        "model": row.model,
        "since": date.fromordinal(date(1970, 1, 1).toordinal() + row.since_ms // DAY_MS),
        "free": free,
        **rates,
    }
    written = without_defaults(values, PriceSpec)
    if "since" in written:
        written["since"] = written["since"].isoformat()
    if row.request_nano:
        written["request"] = format_usd(row.request_nano)
    return written


def written_key(key: Key, slugs: Mapping[str, str], emails: Mapping[str, str]) -> dict[str, Any]:
    """A key without its text, by the names of those whose it is."""
    values = asdict(key) | {
        "team": None if key.team_id is None else slugs[key.team_id],
        "user": None if key.user_id is None else emails[key.user_id],
        "expires": None if key.expires_ms is None else _moment(key.expires_ms),
    }
    if set(key.scopes) == set(DEFAULT_SCOPES):
        del values["scopes"]
    return without_defaults(values, KeySection)


def _moment(unix_ms: int) -> str:
    seconds, thousandths = divmod(unix_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    shown = moment.replace(microsecond=thousandths * 1000)
    written = shown.isoformat(timespec="milliseconds" if thousandths else "seconds")
    return written.replace("+00:00", "Z")


def written_limit(rule: LimitRule, names: Names) -> dict[str, Any]:
    """A limit; what it is for is called by its name."""
    return without_defaults(asdict(rule) | {"scope_id": _scope_name(rule, names)}, LimitSpec)


def written_budget(rule: BudgetRule, names: Names) -> dict[str, Any]:
    """A budget in dollars; what it is for is called by its name."""
    values = asdict(rule) | {
        "scope_id": _scope_name(rule, names),
        "amount": format_usd(rule.amount_nano),
        "overshoot": format_usd(rule.overshoot_nano) if rule.overshoot_nano else 0,
    }
    return without_defaults(values, BudgetSpec)


def _scope_name(rule: LimitRule | BudgetRule, names: Names) -> str | None:
    """What a rule is for; one that has no name of its own any more keeps its identifier."""
    if rule.scope_id is None:
        return None
    return names.get(rule.scope, {}).get(rule.scope_id, rule.scope_id)
