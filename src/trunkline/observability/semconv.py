"""Every name that leaves us in metrics and spans, in one place.

Profile: the GenAI semantic conventions of OpenTelemetry 1.41, the last release in which they stood
in the core repository (https://opentelemetry.io/docs/specs/semconv/gen-ai/). They are in
development, so a change of profile is a change of this file. Where they have no name, ours begins
with ``trunkline``.
"""

PROFILE = "1.41"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

# Attributes of spans
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
ERROR_TYPE = "error.type"
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
URL_PATH = "url.path"
URL_QUERY = "url.query"
USER_AGENT = "user_agent.original"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"
SERVICE_INSTANCE = "service.instance.id"
ENVIRONMENT = "deployment.environment.name"

ALIAS = "trunkline.alias"
ORG = "trunkline.org.id"
KEY = "trunkline.key.id"
REQUEST_ID = "trunkline.request.id"
CLIENT_REQUEST_ID = "trunkline.request.client_id"
ATTEMPT_ID = "trunkline.attempt.id"
ATTEMPT_NUMBER = "trunkline.attempt.number"
ATTEMPTS = "trunkline.attempts"
ATTEMPT_REASON = "trunkline.attempt.reason"
CREDENTIAL = "trunkline.attempt.credential"
ENDING = "trunkline.attempt.ending"
CACHE = "trunkline.cache.result"
SAVED = "trunkline.cache.saved_nano_usd"
STREAM = "trunkline.stream"
WIRE = "trunkline.wire"
UPSTREAM_ID = "trunkline.upstream.request_id"
COST = "trunkline.cost.nano_usd"
COST_STATE = "trunkline.cost.state"
OVERHEAD = "trunkline.overhead_ms"
SERVICE_TIER = "trunkline.service_tier"

# Metrics, as Prometheus spells them
HTTP_REQUESTS = "http_requests_total"
HTTP_DURATION = "http_request_duration_ms"
HTTP_IN_PROGRESS = "http_requests_in_progress"
TOKEN_USAGE = "gen_ai_client_token_usage"  # noqa: S105 - a name, no secret
REQUEST_DURATION = "gen_ai_server_request_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"  # noqa: S105 - a name, no secret
PER_OUTPUT_TOKEN = "gen_ai_server_time_per_output_token_seconds"  # noqa: S105 - a name, no secret
COST_USD = "trunkline_cost_usd_total"
UNPRICED = "trunkline_unpriced_attempts_total"
ATTEMPTS_TOTAL = "trunkline_upstream_attempts_total"
UPSTREAM_DURATION = "trunkline_upstream_duration_seconds"
OVERHEAD_DURATION = "trunkline_overhead_ms"
REFUSALS = "trunkline_refusals_total"
CACHE_REQUESTS = "trunkline_cache_requests_total"
CACHE_SAVED = "trunkline_cache_saved_usd_total"
CACHE_ENTRIES = "trunkline_cache_entries"
CACHE_BYTES = "trunkline_cache_bytes"
CACHE_EVICTED = "trunkline_cache_evicted_total"
CACHE_FAILURES = "trunkline_cache_store_failures_total"
CACHE_FLIGHTS = "trunkline_cache_flights"
CACHE_FOLLOWERS = "trunkline_cache_followers"
CACHE_DROPPED = "trunkline_cache_followers_dropped_total"
GUARDRAIL_ACTIONS = "trunkline_guardrail_actions_total"
CIRCUIT_STATE = "trunkline_circuit_state"
CIRCUIT_TRANSITIONS = "trunkline_circuit_transitions_total"
REPEATS = "trunkline_repeats_total"
CREDENTIALS_RESTING = "trunkline_credentials_resting"
CREDENTIAL_VERDICTS = "trunkline_credential_verdicts_total"
SHADOW_REFUSALS = "trunkline_shadow_refusals_total"
SHED = "trunkline_shed_total"
POOL_CONNECTIONS = "trunkline_pool_connections"
POOL_WAITING = "trunkline_pool_waiting"
POOL_OPENED = "trunkline_pool_opened_total"
POOL_REUSED = "trunkline_pool_reused_total"
JOURNAL_READY = "trunkline_journal_ready"
JOURNAL_LAG = "trunkline_journal_lag_seconds"
JOURNAL_BYTES = "trunkline_journal_appended_bytes_total"
JOURNAL_UNSYNCED = "trunkline_journal_unsynced_bytes"
JOURNAL_LIVE = "trunkline_journal_live_attempts"
JOURNAL_PENDING = "trunkline_journal_pending_closes"
LEASES = "trunkline_leases"
LEASES_EXPIRED = "trunkline_leases_expired_total"
LEDGER_FAILURES = "trunkline_ledger_failures_total"
CHECK_STATE = "trunkline_check_ok"
TASKS = "trunkline_tasks"
ANALYSIS_READY = "trunkline_analysis_ready"
ANALYSIS_RESTARTS = "trunkline_analysis_restarts_total"
SOURCE_FAILURES = "trunkline_metrics_source_failures_total"

# Bucket bounds that the conventions advise, in seconds and in tokens.
DURATION_BOUNDS = tuple(0.01 * 2**power for power in range(14))
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))
FIRST_TOKEN_BOUNDS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08),
    *(0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
PER_OUTPUT_TOKEN_BOUNDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15),
    *(0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)
# Ours, in milliseconds: from a refusal to a long answer, and what we may add to it.
HTTP_BOUNDS = (
    *(1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0),
    *(1000.0, 2500.0, 5000.0, 10_000.0, 30_000.0, 60_000.0, 300_000.0),
)
OVERHEAD_BOUNDS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 1000.0)

_OPERATIONS = {"completion": "text_completion", "embedding": "embeddings"}
_PROVIDERS = {
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}


def operation_name(operation: str) -> str:
    """The well-known value for one of our operations, else its own name."""
    return _OPERATIONS.get(operation, operation)


def provider_name(provider: str) -> str:
    """The well-known value for one of our providers, else its own name."""
    return _PROVIDERS.get(provider, provider)
