"""The entries of LiteLLM's ``model_list``: each is one target of a public name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from trunkline.configuration.litellm.accounts import NoCounterpart, account_of
from trunkline.configuration.litellm.fields import REFERENCE, Fields
from trunkline.configuration.litellm.naming import Connections
from trunkline.configuration.litellm.prices import price_of
from trunkline.configuration.litellm.providers import split_model
from trunkline.configuration.litellm.report import Report

_KINDS = MappingProxyType({
    "chat": "chat",
    "responses": "chat",
    "completion": "completion",
    "embedding": "embedding",
    "image_generation": "image",
    "audio_speech": "speech",
    "audio_transcription": "transcription",
    "rerank": "rerank",
    "moderation": "moderation",
    "moderations": "moderation",
})  # fmt: skip
# What LiteLLM adds to each request of a deployment.
_SENT_ALONG = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "seed", "stop",
    "presence_penalty", "frequency_penalty", "extra_body", "thinking", "reasoning_effort",
    "response_format", "n", "logit_bias", "user", "service_tier", "dimensions", "cache_control",
)  # fmt: skip
_TOLD_ONLY = ("supports_", "input_cost", "output_cost", "cache_", "max_")


class Deployment(msgspec.Struct, frozen=True):
    """One target of a public name.

    Attributes:
        order: the lower ones are tried first; None where nothing is said.
        share: what LiteLLM weighs it by: a weight, or else requests or tokens a minute.
        timeout, stream_timeout: seconds.
        retries: repeats after the first try.
        price: dollars by bucket; empty for the bundled price.
    """

    path: str
    alias: str
    kind: str
    connection: str
    model: str
    order: float | None
    share: float | None
    timeout: float | None
    stream_timeout: float | None
    retries: float | None
    price: dict[str, Any]


def read_deployments(
    entries: list[Any],
    credentials: Mapping[str, Mapping[str, Any]],
    connections: Connections,
    report: Report,
) -> list[Deployment]:
    """The deployments that can be called from here; the report tells of the others."""
    read = (
        _deployment(entry, f"model_list[{place}]", credentials, connections, report)
        for place, entry in enumerate(entries)
    )
    return [deployment for deployment in read if deployment is not None]


def _deployment(
    entry: object,
    path: str,
    credentials: Mapping[str, Mapping[str, Any]],
    connections: Connections,
    report: Report,
) -> Deployment | None:
    whole = Fields(entry, path, report)
    params = _with_credential(whole, credentials, report)
    info = whole.fields("model_info")
    alias, model = whole.text("model_name"), params.text("model")
    if alias is None or model is None or model.startswith(REFERENCE):
        report.left_out(path, "names no model")
        return None
    prefix, upstream = split_model(model, params.text("custom_llm_provider"))
    try:
        account = account_of(prefix, upstream, params, report)
    except NoCounterpart as error:
        report.left_out(params.at("model"), f"{alias!r}: {error}")
        return None
    connection = connections.name_of(account, prefix or "")
    if "*" in alias or "*" in account.model:
        message = f"every model of this account is reached as {connection}/model without a line"
        report.approximated(whole.at("model_name"), message)
        return None
    made = Deployment(
        path=path,
        alias=_public(alias),
        kind=_kind(info, prefix, report),
        connection=connection,
        model=account.model,
        order=params.number("order"),
        share=_share(params, report),
        timeout=params.number("timeout"),
        stream_timeout=params.number("stream_timeout"),
        retries=_first(params.number("num_retries"), params.number("max_retries")),
        price=price_of([params, info], report),
    )
    _account_for_the_rest(whole, params, info, report)
    if made.alias != alias:
        report.approximated(
            whole.at("model_name"), f"is called {made.alias!r}: names have no spaces"
        )
    report.translated(path, f"target {connection}/{account.model} of {made.alias!r}")
    return made


def _with_credential(
    whole: Fields, credentials: Mapping[str, Mapping[str, Any]], report: Report
) -> Fields:
    """The parameters, with those of the credential that they name below them."""
    given = whole.take("litellm_params")
    at = whole.at("litellm_params")
    params = Fields(given, at, report)
    name = params.text("litellm_credential_name")
    if name is None:
        return params
    if name not in credentials:
        report.left_out(params.at("litellm_credential_name"), f"there is no credential {name!r}")
        return params
    merged = Fields({**credentials[name], **given}, at, report)
    merged.take("litellm_credential_name")
    return merged


def _public(alias: str) -> str:
    return "-".join(alias.split())


def _kind(info: Fields, prefix: str | None, report: Report) -> str:
    mode = info.text("mode")
    if mode is None:
        return "completion" if prefix == "text-completion-openai" else "chat"
    if mode not in _KINDS:
        report.left_out(info.at("mode"), f"there is no kind {mode!r}; it is published for chat")
    return _KINDS.get(mode, "chat")


def _share(params: Fields, report: Report) -> float | None:
    """What LiteLLM's ``simple-shuffle`` weighs by: the first of these that is given."""
    weight = params.number("weight")
    rates = [(name, params.number(name)) for name in ("rpm", "tpm")]
    for name, rate in rates:
        if rate is not None:
            message = (
                "weighs the targets only: a ceiling for all is a limit of the scope alias"
                if weight is None
                else "a ceiling for all is a limit of the scope alias"
            )
            report.approximated(params.at(name), message)
    return _first(weight, *(rate for _, rate in rates))


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _account_for_the_rest(whole: Fields, params: Fields, info: Fields, report: Report) -> None:
    for name in _SENT_ALONG:
        if params.has(name):
            params.take(name)
            report.left_out(params.at(name), "nothing is added to requests; clients send it")
    params.rest("has no counterpart")
    for name in info.names():
        # What a model can do and costs is known from the catalogue.
        known = name == "base_model" or name.startswith(_TOLD_ONLY)
        if known and not info.was_taken(name) and info.take(name) is not None:
            report.left_out(info.at(name), "the catalogue says this of the model's own id")
    info.rest("has no counterpart")
    whole.rest("has no counterpart")
