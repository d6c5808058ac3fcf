"""The only reader of the environment: each option with its type, unit, default and one sentence.

``.env.example`` and docs/environment.md are generated from this file, one section for each group.
"""

import difflib
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from trunkline.errors import InvalidRequest

PREFIX = "TRUNKLINE_"
ROLES = ("gateway", "control", "worker")
MIN_JWT_SECRET = 64
MIN_KEY_PEPPER = 32

_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
_READ_BY_TESTS_ONLY = frozenset({"TRUNKLINE_FIXTURES"})


def _also(name: str, *others: str) -> AliasChoices:
    """Our own name first, then the names that deployments already use."""
    return AliasChoices(f"{PREFIX}{name}", *others)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class _Group(BaseSettings):
    """Options that belong together; the first line of a group's docstring is its heading."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        frozen=True,
    )


class Deployment(_Group):
    """Where it runs."""

    env: Literal["development", "production", "test"] = Field(
        "development", validation_alias=_also("ENV"), description="Name of the deployment."
    )
    host: str = Field(
        "127.0.0.1", validation_alias=_also("HOST"), description="Address to listen on."
    )
    port: int = Field(
        3000,
        ge=0,
        le=65535,
        validation_alias=_also("PORT", "PORT"),
        description="Port to listen on; 0 takes a free one.",
    )
    roles: CommaSeparated = Field(
        ("gateway", "control", "worker"),
        validation_alias=_also("ROLES"),
        description="Comma-separated roles of this process group: gateway, control, worker.",
    )
    data_dir: Path = Field(
        Path("./data"),
        validation_alias=_also("DATA_DIR", "DATA"),
        description="Directory of the embedded database and of the journal.",
    )
    config_file: Path | None = Field(
        None,
        validation_alias=_also("CONFIG"),
        description="YAML file of organisations, keys, connections, models, limits and budgets, "
        "applied at start.",
    )
    tls_certificate: Path | None = Field(
        None, validation_alias=_also("TLS_CERTIFICATE"), description="PEM certificate chain."
    )
    tls_key: Path | None = Field(
        None,
        validate_default=True,
        validation_alias=_also("TLS_KEY"),
        description="PEM private key of the certificate.",
    )
    public_url: str | None = Field(
        None,
        validation_alias=_also("PUBLIC_URL"),
        description="Address under which users reach this installation, such as "
        "https://llm.example.com; https here says that TLS ends before us.",
    )

    @field_validator("roles")
    @classmethod
    def _roles_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [role for role in value if role not in ROLES]
        if unknown or not value:
            raise ValueError(
                f"{', '.join(unknown) or 'an empty list'} is not a list of roles; "
                f"the roles are {', '.join(ROLES)}"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url_is_http(cls, value: str | None) -> str | None:
        return _with_scheme(value, ("https", "http"), "https://llm.example.com")

    @field_validator("tls_key")
    @classmethod
    def _tls_is_whole(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (info.data.get("tls_certificate") is None) != (value is None):
            raise ValueError("TLS needs both a certificate and its key; only one of them is set")
        return value


class Storage(_Group):
    """Storage."""

    database_url: SecretStr | None = Field(
        None,
        validation_alias=_also("DATABASE_URL", "DATABASE_URL"),
        description="postgresql:// URL; without it an SQLite file in the data directory is used.",
    )
    database_pool_size: int = Field(
        5,
        ge=1,
        le=200,
        validation_alias=_also("DATABASE_POOL_SIZE", "DATABASE_POOL_SIZE", "DB_POOL_SIZE"),
        description="Most database connections of one process.",
    )
    redis_url: SecretStr | None = Field(
        None, validation_alias=_also("REDIS_URL", "REDIS_URL"), description="redis:// URL."
    )
    redis_host: str | None = Field(
        None,
        validation_alias=_also("REDIS_HOST", "REDIS_HOST"),
        description="Host of Redis where no URL is given.",
    )
    redis_port: int = Field(
        6379,
        ge=1,
        le=65535,
        validation_alias=_also("REDIS_PORT", "REDIS_PORT"),
        description="Port of Redis.",
    )
    redis_password: SecretStr | None = Field(
        None,
        validation_alias=_also("REDIS_PASSWORD", "REDIS_PASSWORD"),
        description="Password of Redis.",
    )
    redis_timeout: float = Field(
        0.05,
        gt=0,
        le=5,
        validation_alias=_also("REDIS_TIMEOUT"),
        description="Seconds that a request waits for Redis before it goes on without it.",
    )
    kept_response_days: int = Field(
        30,
        ge=1,
        le=3650,
        validation_alias=_also("KEPT_RESPONSE_DAYS"),
        description="Days for which a response of the Responses API is kept for its owner, unless "
        "its request says 'store': false.",
    )
    max_kept_response_bytes: int = Field(
        8_388_608,
        ge=1024,
        validation_alias=_also("MAX_KEPT_RESPONSE_BYTES"),
        description="Most bytes of a response that is kept, with everything that led to it.",
    )
    backups_external: bool = Field(
        default=False,
        validation_alias=_also("BACKUPS_EXTERNAL"),
        description="Whether something outside of Trunkline backs up the database and the data "
        "directory; `trunkline doctor --production` fails without it.",
    )

    @field_validator("database_url")
    @classmethod
    def _database_is_supported(cls, value: SecretStr | None) -> SecretStr | None:
        _with_scheme(_plain(value), _DATABASE_SCHEMES, "postgresql://user@host/name")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_is_supported(cls, value: SecretStr | None) -> SecretStr | None:
        _with_scheme(_plain(value), ("redis", "rediss", "unix"), "redis://host:6379/0")
        return value


class Access(_Group):
    """Secrets and access."""

    key_pepper: SecretStr | None = Field(
        None,
        validation_alias=_also("KEY_PEPPER"),
        description="Secret of at least 32 characters that keys are hashed with; without it one "
        "is made and kept in the data directory.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias=_also("JWT_SECRET", "JWT_SECRET"),
        description="Secret of at least 64 characters that sessions are signed with.",
    )
    admin_email: str | None = Field(
        None,
        validation_alias=_also("ADMIN_EMAIL", "ADMIN_EMAIL"),
        description="E-mail address of the first administrator.",
    )
    admin_password: SecretStr | None = Field(
        None,
        validation_alias=_also("ADMIN_PASSWORD", "ADMIN_PASSWORD"),
        description="Password of the first administrator.",
    )
    allowed_origins: CommaSeparated = Field(
        (),
        validation_alias=_also("ALLOWED_ORIGINS", "ALLOWED_ORIGINS"),
        description="Comma-separated origins whose pages may call the control API.",
    )
    auth_stale_max: float = Field(
        60.0,
        gt=0,
        validation_alias=_also("AUTH_STALE_MAX"),
        description="Seconds for which keys are served from memory while the database is away.",
    )

    @field_validator("key_pepper")
    @classmethod
    def _pepper_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return _long_enough(value, MIN_KEY_PEPPER)

    @field_validator("jwt_secret")
    @classmethod
    def _jwt_secret_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return _long_enough(value, MIN_JWT_SECRET)


class Providers(_Group):
    """Providers."""

    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="Key of OpenAI.",
    )
    anthropic_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
        description="Key of Anthropic.",
    )
    together_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("TOGETHER_API_KEY", "TOGETHER_API_KEY"),
        description="Key of Together.",
    )
    mistral_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("MISTRAL_API_KEY", "MISTRAL_API_KEY"),
        description="Key of Mistral.",
    )
    gemini_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also(
            "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"
        ),
        description="Key of Google Gemini.",
    )
    groq_api_key: SecretStr | None = Field(
        None, validation_alias=_also("GROQ_API_KEY", "GROQ_API_KEY"), description="Key of Groq."
    )
    deepseek_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("DEEPSEEK_API_KEY", "DEEPSEEK_API_KEY"),
        description="Key of DeepSeek.",
    )
    xai_api_key: SecretStr | None = Field(
        None, validation_alias=_also("XAI_API_KEY", "XAI_API_KEY"), description="Key of xAI."
    )
    openrouter_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("OPENROUTER_API_KEY", "OPENROUTER_API_KEY"),
        description="Key of OpenRouter.",
    )
    cohere_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("COHERE_API_KEY", "COHERE_API_KEY", "CO_API_KEY"),
        description="Key of Cohere.",
    )
    voyage_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("VOYAGE_API_KEY", "VOYAGE_API_KEY"),
        description="Key of Voyage AI.",
    )
    jina_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("JINA_API_KEY", "JINA_API_KEY"),
        description="Key of Jina AI.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"),
        description="Key of the Azure OpenAI resource at the endpoint below.",
    )
    azure_openai_endpoint: str | None = Field(
        None,
        validation_alias=_also("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_ENDPOINT"),
        description="Address of an Azure OpenAI resource, such as https://name.openai.azure.com; "
        "it and the key above together make the connection `azure`.",
    )
    aws_access_key_id: SecretStr | None = Field(
        None,
        validation_alias=_also("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        description="Access key that requests to Bedrock are signed with; nothing is connected "
        "by it alone.",
    )
    aws_secret_access_key: SecretStr | None = Field(
        None,
        validation_alias=_also("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
        description="Secret of the access key.",
    )
    aws_session_token: SecretStr | None = Field(
        None,
        validation_alias=_also("AWS_SESSION_TOKEN", "AWS_SESSION_TOKEN"),
        description="Token of a temporary access key.",
    )
    bedrock_api_key: SecretStr | None = Field(
        None,
        validation_alias=_also("BEDROCK_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"),
        description="API key of Bedrock, used instead of an access key.",
    )
    bedrock_region: str | None = Field(
        None,
        validation_alias=_also("BEDROCK_REGION"),
        description="AWS region such as eu-central-1; it makes the connection `bedrock` with the "
        "API key or the access key above.",
    )
    google_credentials: Path | None = Field(
        None,
        validation_alias=_also("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"),
        description="JSON file of a Google service account; nothing is connected by it alone.",
    )
    vertex_region: str = Field(
        "global",
        validation_alias=_also("VERTEX_REGION"),
        description="Google Cloud region of Vertex AI, such as europe-west1.",
    )
    vertex_project: str | None = Field(
        None,
        validation_alias=_also("VERTEX_PROJECT"),
        description="Google Cloud project; it makes the connection `vertex` with the service "
        "account above.",
    )
    ollama_host: str | None = Field(
        None,
        validation_alias=_also("OLLAMA_HOST", "OLLAMA_HOST"),
        description="Address of an Ollama server, such as http://127.0.0.1:11434.",
    )
    allowed_networks: CommaSeparated = Field(
        (),
        validation_alias=_also("ALLOWED_NETWORKS"),
        description="Comma-separated private networks that providers may be reached in, such as "
        "127.0.0.0/8; metadata addresses are never reached.",
    )
    https_proxy: str | None = Field(
        None,
        validation_alias=_also("HTTPS_PROXY", "HTTPS_PROXY", "https_proxy"),
        description="Proxy for providers with TLS.",
    )
    http_proxy: str | None = Field(
        None,
        validation_alias=_also("HTTP_PROXY", "HTTP_PROXY", "http_proxy"),
        description="Proxy for providers without TLS.",
    )
    no_proxy: CommaSeparated = Field(
        (),
        validation_alias=_also("NO_PROXY", "NO_PROXY", "no_proxy"),
        description="Comma-separated hosts and suffixes that are reached without a proxy.",
    )
    ca_file: Path | None = Field(
        None,
        validation_alias=_also("CA_FILE", "SSL_CERT_FILE"),
        description="PEM file of the authorities that providers' certificates are checked with.",
    )

    @field_validator("azure_openai_endpoint")
    @classmethod
    def _endpoint_is_https(cls, value: str | None) -> str | None:
        return _with_scheme(value, ("https", "http"), "https://name.openai.azure.com")

    @field_validator("bedrock_region")
    @classmethod
    def _bedrock_has_a_credential(cls, value: str | None, info: ValidationInfo) -> str | None:
        whole = info.data.get("aws_access_key_id") and info.data.get("aws_secret_access_key")
        if value is not None and not whole and not info.data.get("bedrock_api_key"):
            raise ValueError(
                "needs AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return value

    @field_validator("vertex_project")
    @classmethod
    def _vertex_has_a_credential(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("google_credentials") is None:
            raise ValueError("needs GOOGLE_APPLICATION_CREDENTIALS, a service account's JSON file")
        return value

    @field_validator("allowed_networks")
    @classmethod
    def _networks_parse(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"{error}; write it as 10.0.0.0/8 or fd00::/8") from None
        return value


class DataPath(_Group):
    """The data path."""

    default_model: str | None = Field(
        None,
        validation_alias=_also("DEFAULT_MODEL", "LLM_DEFAULT_MODEL"),
        description="Model of POST /api/llm/process where the request names none.",
    )
    presidio_python: Path | None = Field(
        None,
        validation_alias=_also("PRESIDIO_PYTHON"),
        description="Python interpreter that has presidio-analyzer, for guardrails of that kind; "
        "by default our own.",
    )
    connect_timeout: float = Field(
        10.0, gt=0, validation_alias=_also("CONNECT_TIMEOUT"), description="Seconds to connect."
    )
    pool_timeout: float = Field(
        10.0,
        gt=0,
        validation_alias=_also("POOL_TIMEOUT"),
        description="Seconds to wait for a free connection to a provider.",
    )
    first_byte_timeout: float = Field(
        300.0,
        gt=0,
        validation_alias=_also("FIRST_BYTE_TIMEOUT"),
        description="Seconds that a provider may stay silent before its answer begins.",
    )
    idle_timeout: float = Field(
        120.0,
        gt=0,
        validation_alias=_also("IDLE_TIMEOUT"),
        description="Seconds that a provider may stay silent inside an answer.",
    )
    total_timeout: float = Field(
        900.0,
        gt=0,
        validation_alias=_also("TOTAL_TIMEOUT"),
        description="Seconds that one attempt may take in all.",
    )
    hold_headers: float = Field(
        10.0,
        gt=0,
        validation_alias=_also("HOLD_HEADERS"),
        description="Seconds without content after which a stream gets headers and keep-alives.",
    )
    drain_timeout: float = Field(
        30.0,
        gt=0,
        validation_alias=_also("DRAIN_TIMEOUT"),
        description="Seconds for which an answer is read on after its caller left, at providers "
        "that bill it anyway.",
    )
    connections_per_host: int = Field(
        1000,
        ge=1,
        validation_alias=_also("CONNECTIONS_PER_HOST"),
        description="Most connections of one process to one provider host.",
    )
    max_body_bytes: int = Field(
        33_554_432,
        ge=1024,
        validation_alias=_also("MAX_BODY_BYTES"),
        description="Most bytes of a request body.",
    )
    max_answer_bytes: int = Field(
        67_108_864,
        ge=1024,
        validation_alias=_also("MAX_ANSWER_BYTES"),
        description="Most bytes of an answer that is not streamed.",
    )
    max_link_bytes: int = Field(
        20_971_520,
        ge=1024,
        validation_alias=_also("MAX_LINK_BYTES"),
        description="Most bytes of the images and files of one request that are fetched from "
        "their addresses for a provider that does not fetch.",
    )
    link_timeout: float = Field(
        20.0,
        gt=0,
        validation_alias=_also("LINK_TIMEOUT"),
        description="Seconds to fetch all images and files of one request.",
    )
    max_requests_in_flight: int = Field(
        2000,
        ge=1,
        validation_alias=_also("MAX_REQUESTS_IN_FLIGHT"),
        description="Requests served at once before new ones get 503.",
    )
    max_body_memory_bytes: int = Field(
        536_870_912,
        ge=1024,
        validation_alias=_also("MAX_BODY_MEMORY_BYTES"),
        description="Bytes of request bodies held at once before new ones get 503.",
    )
    shutdown_notice: float = Field(
        5.0,
        ge=0,
        validation_alias=_also("SHUTDOWN_NOTICE"),
        description="Seconds between becoming not ready and closing the listeners.",
    )
    shutdown_deadline: float = Field(
        60.0,
        gt=0,
        validation_alias=_also("SHUTDOWN_DEADLINE"),
        description="Seconds that running streams get to finish before they end with an error.",
    )


class AnswerCache(_Group):
    """The answer cache."""

    llm_cache_enabled: bool = Field(
        default=False,
        validation_alias=_also("LLM_CACHE_ENABLED", "LLM_CACHE_ENABLED"),
        description="Whether requests may be answered with what was answered before where neither "
        "the model nor the key nor the request says anything.",
    )
    cache_max_bytes: int = Field(
        268_435_456,
        ge=0,
        validation_alias=_also("CACHE_MAX_BYTES"),
        description="Most bytes of answers that one process keeps in memory; where Redis is set, "
        "it keeps them instead.",
    )


class Observability(_Group):
    """Observability."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias=_also("LOG_LEVEL", "LOG_LEVEL"), description="Least level logged."
    )
    access_log: bool = Field(
        default=True,
        validation_alias=_also("ACCESS_LOG"),
        description="Whether each request gets a line.",
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=_also("OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="OTLP/HTTP collector for traces; without it no spans are built.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias=_also("METRICS_TOKEN"),
        description="Bearer token that /metrics asks for; without it only loopback may read it.",
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector_is_http(cls, value: str | None) -> str | None:
        return _with_scheme(value, ("http", "https"), "http://127.0.0.1:4318")


# In the order in which the documents list them.
GROUPS: tuple[type[_Group], ...] = (
    Deployment,
    Storage,
    Access,
    Providers,
    DataPath,
    AnswerCache,
    Observability,
)


class Settings(Observability, AnswerCache, DataPath, Providers, Access, Storage, Deployment):
    """Every option of the product; ``load_settings`` builds it with checks of the names as well."""


class Problem(msgspec.Struct, frozen=True):
    """One refused option: its environment name and a sentence that never shows its value."""

    name: str
    sentence: str


class SettingsError(InvalidRequest):
    """The environment cannot be used as it is; lists every refused option at once."""

    default_code = "invalid_settings"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        lines = "".join(f"\n  {problem.name}: {problem.sentence}" for problem in problems)
        super().__init__(
            f"The settings are refused:{lines}",
            hint="docs/environment.md lists every option.",
        )
        self.problems = problems


def load_settings(env_file: Path | None = Path(".env"), **overrides: object) -> Settings:
    """Settings from the environment and, below it, from a file; an absent file is no error.

    Args:
        env_file: lines of ``NAME=value``; None reads the environment alone.
        overrides: values by field name that win over both, such as those of command line options;
            None stands for an option that was not given.

    Raises:
        SettingsError: an option has a bad value, or a ``TRUNKLINE_*`` name is not one of ours.
        TypeError: an override is no field.
    """
    if stray := sorted(overrides.keys() - Settings.model_fields.keys()):
        raise TypeError(f"no option is called {', '.join(stray)}")
    chosen: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    given = _given(env_file)
    problems = _unknown_names(given)
    try:
        settings = Settings(_env_file=env_file, **chosen)  # type: ignore[call-arg] # of BaseSettings
    except ValidationError as error:
        problems += [
            Problem(
                _environment_name(str(item["loc"][0]), given),
                item["msg"].removeprefix("Value error, "),
            )
            for item in error.errors(include_url=False, include_input=False)
        ]
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def environment_names(field: FieldInfo) -> tuple[str, ...]:
    """The names that a field is read from, our own first, each once."""
    alias = field.validation_alias
    if not isinstance(alias, AliasChoices):
        raise TypeError("each option declares its names with _also")
    return tuple(dict.fromkeys(str(choice) for choice in alias.choices))


def read_variable(name: str, env_file: Path | None = Path(".env")) -> str | None:
    """A variable of any name, for a reference to a secret such as ``env:OPENAI_API_KEY``.

    It is looked up where the settings are, and each time anew; None where it is not set.
    """
    return _given(env_file).get(name.upper())


def _given(env_file: Path | None) -> Mapping[str, str | None]:
    """What is set, by upper-case name; the environment wins over the file."""
    names: dict[str, str | None] = {}
    if env_file is not None and env_file.is_file():
        names.update({k.upper(): v for k, v in dotenv_values(env_file).items()})
    names.update({k.upper(): v for k, v in os.environ.items()})  # noqa: TID251 - this is the reader
    return names


def _unknown_names(given: Mapping[str, str | None]) -> list[Problem]:
    known = {name for field in Settings.model_fields.values() for name in environment_names(field)}
    problems = []
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in known and name not in _READ_BY_TESTS_ONLY:
            # The common prefix is left out, for with it every name resembles every other.
            near = difflib.get_close_matches(
                name.removeprefix(PREFIX), sorted(n.removeprefix(PREFIX) for n in known), n=1
            )
            advice = f"did you mean {PREFIX}{near[0]}?" if near else "no option has a name like it"
            problems.append(Problem(name, f"unknown option; {advice}"))
    return problems


def _environment_name(location: str, given: Mapping[str, str | None]) -> str:
    """The name that a refused value came from; our own name where it came from an override."""
    for field_name, field in Settings.model_fields.items():
        names = environment_names(field)
        if location == field_name or location in names:
            return next((name for name in names if given.get(name.upper())), names[0])
    raise KeyError(location)


def _plain(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _with_scheme(value: str | None, schemes: tuple[str, ...], example: str) -> str | None:
    """The value itself; the sentence of the refusal leaves it out, for it may hold a password."""
    if value is not None and urlsplit(value).scheme not in schemes:
        raise ValueError(f"must begin with {schemes[0]}://, such as {example}")
    return value


def _long_enough(value: SecretStr | None, least: int) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < least:
        raise ValueError(
            f"has {len(value.get_secret_value())} characters and needs at least {least}; "
            f"make one with: openssl rand -hex {least}"
        )
    return value
