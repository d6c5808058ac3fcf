"""The only reader of the environment: each option with its type, unit, default and one sentence.

``.env.example`` and docs/environment.md are generated from this file.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "TRUNKLINE_"


def _also(name: str, *others: str) -> AliasChoices:
    """Our own name first, then the names that deployments already use."""
    return AliasChoices(f"{PREFIX}{name}", *others)


class Settings(BaseSettings):
    """Every option of the product. Unknown ``TRUNKLINE_*`` names are refused by ``load``."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", extra="ignore", populate_by_name=True, frozen=True
    )

    # Where it runs
    env: Literal["development", "production", "test"] = Field(
        "development", validation_alias=_also("ENV"), description="Name of the deployment."
    )
    host: str = Field(
        "127.0.0.1", validation_alias=_also("HOST", "HOST"), description="Address to listen on."
    )
    port: int = Field(
        3000,
        ge=0,
        le=65535,
        validation_alias=_also("PORT", "PORT"),
        description="Port to listen on; 0 takes a free one.",
    )
    roles: Annotated[tuple[str, ...], NoDecode] = Field(
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
        None, validation_alias=_also("TLS_KEY"), description="PEM private key of the certificate."
    )
    public_url: str | None = Field(
        None,
        validation_alias=_also("PUBLIC_URL"),
        description="Address under which users reach this installation, such as "
        "https://llm.example.com; https here says that TLS ends before us.",
    )

    # Storage
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

    # Secrets and access
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
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
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

    # Providers
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
    ollama_host: str | None = Field(
        None,
        validation_alias=_also("OLLAMA_HOST", "OLLAMA_HOST"),
        description="Address of an Ollama server, such as http://127.0.0.1:11434.",
    )
    allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
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
    no_proxy: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias=_also("NO_PROXY", "NO_PROXY", "no_proxy"),
        description="Comma-separated hosts and suffixes that are reached without a proxy.",
    )
    ca_file: Path | None = Field(
        None,
        validation_alias=_also("CA_FILE", "SSL_CERT_FILE"),
        description="PEM file of the authorities that providers' certificates are checked with.",
    )

    # The data path
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

    # Observability
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

    @field_validator("roles", "allowed_origins", "allowed_networks", "no_proxy", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
