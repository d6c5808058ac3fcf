"""Connections for the accounts of LiteLLM's deployments, each once."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from trunkline.configuration.litellm.fields import REFERENCE, Fields
from trunkline.configuration.litellm.providers import PROVIDERS, Known
from trunkline.configuration.litellm.report import Report
from trunkline.connections.schemas import RESERVED_HEADERS

_AZURE_HOST = re.compile(r"([a-z0-9][a-z0-9-]*)\.openai\.azure\.com")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_BEDROCK_FORMS = ("converse/", "invoke/", "converse_like/")
_AWS_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_AWS_SECRET = "AWS_BEDROCK_CREDENTIALS"  # noqa: S105 - the name of a variable
_OWN_HOSTS: Mapping[str, str] = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}
_DEFAULT_OLLAMA = "http://localhost:11434"


class Account(NamedTuple):
    """What a deployment calls: a connection without its name, and the model's id there."""

    connection: dict[str, Any]
    model: str


class NoCounterpart(Exception):
    """A deployment that cannot be reached from here; the message says why."""


def account_of(prefix: str | None, model: str, params: Fields, report: Report) -> Account:
    """What a deployment calls.

    Raises:
        NoCounterpart: its provider is unknown, or its address is missing.
    """
    known = PROVIDERS.get(prefix or "")
    if known is None:
        raise NoCounterpart(f"the provider {prefix!r} has no counterpart" if prefix else
                            f"the provider of {model!r} cannot be told")  # fmt: skip
    base = params.text("api_base") or params.text("base_url")
    if base is not None and base.startswith(REFERENCE):
        variable = base.removeprefix(REFERENCE)
        raise NoCounterpart(f"its address stands in the environment as {variable}: write it down")
    if known.provider == "azure":
        where = _azure(base, params, report)
    elif known.provider == "bedrock":
        model, where = _bedrock(model, base, params)
    elif known.provider == "vertex":
        where = _vertex(model, params)
    else:
        where = _plain(known, prefix or "", base)
    secret = _secret(known, params, report)
    headers = _headers(params, report)
    connection = {"provider": known.provider, **where, "secret": secret, "headers": headers}
    return Account({name: value for name, value in connection.items() if value}, model)


def _plain(known: Known, prefix: str, base: str | None) -> dict[str, str]:
    """An own address makes a provider one that only speaks the same format."""
    base = base or known.address
    if base is None:
        if known.provider == "ollama":
            return {"base_url": _DEFAULT_OLLAMA}
        if known.provider in {"vllm", "litellm", "openai_compatible"}:
            raise NoCounterpart(f"a deployment of {prefix} needs its api_base")
        return {}
    base = base.rstrip("/")
    own = _OWN_HOSTS.get(known.provider)
    if own is not None:
        if urlsplit(base).hostname == own:
            return {}
        if known.provider == "anthropic":
            base = base.removesuffix("/messages").removesuffix("/v1")
        return {"provider": f"{known.provider}_compatible", "base_url": base}
    return {"base_url": base}


def _azure(base: str | None, params: Fields, report: Report) -> dict[str, str]:
    version = params.at("api_version")
    if params.text("api_version") is not None:
        report.approximated(version, "the address below /openai/v1 is used, which needs no version")
    if base is None:
        raise NoCounterpart("a deployment of Azure needs its api_base")
    parts = urlsplit(base)
    found = _AZURE_HOST.fullmatch(parts.hostname or "")
    if found is not None:
        return {"resource": found[1]}
    whole = f"{base.rstrip('/')}/openai/v1" if parts.path in {"", "/"} else base.rstrip("/")
    report.approximated(params.at("api_base"), f"is called as {whole}")
    return {"base_url": whole}


def _bedrock(model: str, base: str | None, params: Fields) -> tuple[str, dict[str, str]]:
    """The region may stand before the model's name, or beside it."""
    for form in _BEDROCK_FORMS:
        model = model.removeprefix(form)
    region, slash, rest = model.partition("/")
    if slash and _REGION.fullmatch(region):
        model = rest
    else:
        region = params.text("aws_region_name") or params.text("region_name") or ""
    if base is not None:
        return model, {"base_url": base.rstrip("/")}
    if not region or region.startswith(REFERENCE):
        raise NoCounterpart("its region does not stand in the file: write it down")
    return model, {"region": region}


def _vertex(model: str, params: Fields) -> dict[str, str]:
    if not model.startswith(("gemini", "text-embedding", "gemma")):
        raise NoCounterpart("of Vertex AI only Google's own models can be called")
    found = {
        "region": params.text("vertex_location") or "",
        "project": params.text("vertex_project") or "",
    }
    for name, value in found.items():
        if not value or value.startswith(REFERENCE):
            raise NoCounterpart(f"its {name} does not stand in the file: write it down")
    return found


def _secret(known: Known, params: Fields, report: Report) -> str | None:
    """A reference to the key; the key itself is never taken over."""
    key = params.text("api_key")
    if known.provider == "vertex":
        return _service_account(known, params, report)
    if key is not None and key.startswith(REFERENCE):
        return f"env:{key.removeprefix(REFERENCE)}"
    if key is not None and key.lower() not in {"none", "fake-key", "fake-api-key", "anything"}:
        message = (
            f"a key in the file is not taken over: put it into the environment as {known.variable}"
        )
        report.approximated(params.at("api_key"), message)
        return f"env:{known.variable}"
    aws = [name for name in _AWS_KEYS if params.text(name) is not None]
    if known.provider == "bedrock" and aws:
        message = (
            f'the keys become one secret: put {{"access_key_id", "secret_access_key"}} as JSON'
            f" into the environment as {_AWS_SECRET}"
        )
        report.approximated(params.at(aws[0]), message)
        return f"env:{_AWS_SECRET}"
    return f"env:{known.variable}" if known.needs_key else None


def _service_account(known: Known, params: Fields, report: Report) -> str:
    given = params.text("vertex_credentials")
    if given is not None and given.startswith("/"):
        return f"file:{given}"
    if given is not None and given.startswith(REFERENCE):
        return f"env:{given.removeprefix(REFERENCE)}"
    message = f"put the service account's JSON into the environment as {known.variable}"
    report.approximated(params.at("vertex_credentials" if given else "model"), message)
    return f"env:{known.variable}"


def _headers(params: Fields, report: Report) -> dict[str, str]:
    headers: dict[str, str] = {}
    organization = params.take("organization")
    if isinstance(organization, str) and not organization.startswith(REFERENCE):
        headers["openai-organization"] = organization
    elif organization is not None:
        report.left_out(params.at("organization"), "is no single text of the file")
    extra = params.fields("extra_headers")
    for name in extra.names():
        value = extra.take(name)
        if name.lower() in RESERVED_HEADERS:
            report.left_out(extra.at(name), "the gateway sets this header itself")
        elif isinstance(value, str) and not value.startswith(REFERENCE):
            headers[name.lower()] = value
        else:
            report.left_out(extra.at(name), "a header is a text of the file, and no reference")
    return headers
