"""From a LiteLLM configuration to one of ours, with a report on every field."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trunkline.configuration.documents import Tree
from trunkline.configuration.litellm.caching import read_cache
from trunkline.configuration.litellm.deployments import Deployment, read_deployments
from trunkline.configuration.litellm.fallbacks import Fallbacks
from trunkline.configuration.litellm.fields import Fields
from trunkline.configuration.litellm.naming import Connections
from trunkline.configuration.litellm.policies import Policies
from trunkline.configuration.litellm.report import Finding, Report

_REDIS = ("redis_url", "redis_host", "redis_port", "redis_password", "redis_db")


class Imported(msgspec.Struct, frozen=True):
    """What became of a LiteLLM file.

    Attributes:
        document: of our form, as plain values.
        findings: about every field, in the order of LiteLLM's file.
    """

    document: dict[str, Any]
    findings: tuple[Finding, ...]


def import_litellm(tree: Tree, organisation: str | None = None) -> Imported:
    """Translate a LiteLLM configuration.

    Args:
        tree: of the file.
        organisation: slug of the organisation that gets everything; None shares it with all.
    """
    report = Report(tree.places)
    whole = Fields(tree.raw, "", report)
    connections = Connections()
    credentials = dict(_credentials(whole, report))
    deployments = read_deployments(whole.items("model_list"), credentials, connections, report)
    router, general = whole.fields("router_settings"), whole.fields("litellm_settings")
    fallbacks = Fallbacks((general, router), report)
    policies = Policies(router, general, fallbacks, report)
    grouped: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        grouped.setdefault(deployment.alias, []).append(deployment)
    other_names = dict(_other_names(grouped, router, report))
    grouped |= {name: grouped[group] for name, group in other_names.items()}
    fallbacks.settle([*grouped], other_names)
    cache = read_cache(general, grouped, report)
    models = [_model(name, group, policies, cache) for name, group in grouped.items()]
    _tell_of_the_rest(whole, router, general, report)
    head: dict[str, Any] = {"version": 1}
    if organisation is not None:
        head["organisation"] = organisation
    document = {
        **head,
        "connections": connections.made,
        "models": models,
        "prices": _prices(deployments, report),
    }
    return Imported(
        {name: value for name, value in document.items() if value != []}, report.findings
    )


def _credentials(whole: Fields, report: Report) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for place, entry in enumerate(whole.items("credential_list")):
        fields = Fields(entry, f"credential_list[{place}]", report)
        name, values = fields.text("credential_name"), fields.take("credential_values")
        if name is not None and isinstance(values, dict):
            report.translated(fields.at("credential_name"), "is part of the connections with it")
            yield name, values


def _other_names(
    grouped: Mapping[str, list[Deployment]], router: Fields, report: Report
) -> Iterable[tuple[str, str]]:
    """Names under which groups are published as well, with the names of the groups."""
    names = router.fields("model_group_alias")
    for name in names.names():
        value = names.take(name)
        group = value.get("model") if isinstance(value, dict) else value
        if name in grouped:
            report.left_out(names.at(name), "is a model of its own already")
        elif not isinstance(group, str) or group not in grouped:
            report.left_out(names.at(name), f"there is no model {group!r}")
        else:
            report.translated(names.at(name), f"is published beside {group!r}, with its targets")
            if isinstance(value, dict) and value.get("hidden"):
                report.approximated(names.at(name), "is listed: models are not hidden")
            yield name, group


def _model(
    name: str, deployments: list[Deployment], policies: Policies, cache: Mapping[str, Any]
) -> dict[str, Any]:
    targets = policies.targets(deployments)
    kind = deployments[0].kind
    model: dict[str, Any] = {"name": name}
    if kind != "chat":
        model["kind"] = kind
    model["targets"] = targets
    if route := policies.route(name, deployments, len(targets)):
        model["route"] = route
    if cache and kind in {"chat", "completion", "embedding"}:
        semantic = cache.get("mode") == "semantic"
        if not (semantic and kind == "embedding"):
            model["cache"] = dict(cache)
    return model


def _prices(deployments: Iterable[Deployment], report: Report) -> list[dict[str, Any]]:
    """One price for each target, however many models share it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for deployment in deployments:
        if not deployment.price:
            continue
        key = (deployment.connection, deployment.model)
        price = {"connection": key[0], "model": key[1], **deployment.price}
        if found.setdefault(key, price) != price:
            message = f"{'/'.join(key)} has another price already: a target has one"
            report.left_out(deployment.path, message)
    return list(found.values())


def _tell_of_the_rest(whole: Fields, router: Fields, general: Fields, report: Report) -> None:
    if general.flag("drop_params"):
        message = "what a target cannot do is left out and named in the answer's headers"
        report.translated(general.at("drop_params"), message)
    for name in _REDIS:
        if router.take(name) is not None:
            report.left_out(router.at(name), "set TRUNKLINE_REDIS_URL in the environment")
    operations = whole.fields("general_settings")
    if operations.take("master_key") is not None:
        message = "is not taken over: make keys with trunkline keys create"
        report.left_out(operations.at("master_key"), message)
    if operations.take("database_url") is not None:
        message = "set TRUNKLINE_DATABASE_URL in the environment"
        report.left_out(operations.at("database_url"), message)
    if whole.take("guardrails") is not None:
        message = "write them anew, as docs/guardrails.md shows: theirs are other services"
        report.left_out(whole.at("guardrails"), message)
    variables = whole.fields("environment_variables")
    variables.rest("set it in the environment yourself; nothing is read from a file")
    for fields in (router, general, operations, whole):
        fields.rest("has no counterpart")
