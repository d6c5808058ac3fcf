"""The scrape is what Prometheus reads, bounded in labels and in cost."""

from prometheus_client.parser import text_string_to_metric_families

from trunkline.observability.label_guard import LabelGuard
from trunkline.observability.metrics import MOST_ERROR_TYPES, MOST_GUARDRAIL_NAMES, Metrics
from trunkline.observability.series import HistogramFamily


def scrape(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_each_family_says_what_it_is() -> None:
    text = Metrics().render().decode()
    kinds = dict(line.split(" ")[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    assert {name: kind for name, kind in kinds.items() if not name.startswith("process_")} == {
        "http_request_duration_ms": "histogram",
        "http_requests_total": "counter",
        "http_requests_in_progress": "gauge",
        "trunkline_overhead_ms": "histogram",
        "gen_ai_server_request_duration_seconds": "histogram",
        "gen_ai_server_time_to_first_token_seconds": "histogram",
        "gen_ai_server_time_per_output_token_seconds": "histogram",
        "gen_ai_client_token_usage": "histogram",
        "trunkline_cost_usd_total": "counter",
        "trunkline_unpriced_attempts_total": "counter",
        "trunkline_upstream_attempts_total": "counter",
        "trunkline_upstream_duration_seconds": "histogram",
        "trunkline_refusals_total": "counter",
        "trunkline_cache_requests_total": "counter",
        "trunkline_cache_saved_usd_total": "counter",
        "trunkline_guardrail_actions_total": "counter",
        "trunkline_metrics_source_failures_total": "counter",
    }
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes"} <= kinds.keys()


def test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket() -> None:
    family = HistogramFamily("size", "Sizes.", ("kind",), (1.0, 2.5))
    histogram = family.child("a")
    histogram.observe([0.5, 1.0, 1.1])
    histogram.observe([])
    histogram.observe([2.5, 9.0])
    assert family.child("a") is histogram
    assert "".join(family.render()) == (
        "# HELP size Sizes.\n"
        "# TYPE size histogram\n"
        'size_bucket{kind="a",le="1"} 2\n'
        'size_bucket{kind="a",le="2.5"} 4\n'
        'size_bucket{kind="a",le="+Inf"} 5\n'
        'size_sum{kind="a"} 14.1\n'
        'size_count{kind="a"} 5\n'
    )


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics.refused('a"b\\c\nd')
    metrics.refused('a"b\\c\nd')
    assert scrape(metrics)["trunkline_refusals_total", (("code", 'a"b\\c\nd'),)] == 2


def test_sources_are_read_at_each_scrape_and_a_broken_one_hides_nothing() -> None:
    metrics = Metrics()
    numbers = [1.5]
    metrics.watch("lag_seconds", "Lag.", lambda: [((), numbers[0])])
    metrics.watch("broken", "Broken.", lambda: 1 / 0)  # type: ignore[arg-type,return-value] # that is the point
    metrics.watch("done_total", "Done.", lambda: [(("x",), 3)], kind="counter", labels=("what",))
    shown = scrape(metrics)
    assert (shown["lag_seconds", ()], shown["done_total", (("what", "x"),)]) == (1.5, 3)
    numbers[0] = 2.5
    again = scrape(metrics)
    assert again["lag_seconds", ()] == 2.5
    assert again["trunkline_metrics_source_failures_total", ()] == 2
    assert not [name for name, _ in again if name == "broken"]


def test_the_guard_lets_known_names_through_up_to_its_limit() -> None:
    guard = LabelGuard(limit=2)
    assert guard.label("b") == "other"
    guard.allow(["b", "a"])
    guard.allow(["a", "c"])
    assert [guard.label(name) for name in "abcd"] == ["a", "b", "other", "other"]


def test_callers_cannot_add_series() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.requests(f"M{number}", "unknown", 405).observe([1.0])
        assert metrics.model("chat", "openai", f"m{number}", f"a{number}") is metrics.model(
            "chat", "openai", "x", "y"
        )
    requests = {key: n for key, n in scrape(metrics).items() if key[0] == "http_requests_total"}
    labels = (("method", "other"), ("route", "unknown"), ("status_code", "405"))
    assert requests == {("http_requests_total", labels): 100}


def test_providers_cannot_add_series_by_ever_new_words_for_failure() -> None:
    metrics = Metrics()
    series = metrics.model("chat", "openai", "m", "m")
    for number in range(500):
        series.duration(f"made_up_{number}").observe([1.0])
    counted = {
        dict(labels)["error_type"]: value
        for (name, labels), value in scrape(metrics).items()
        if name == "gen_ai_server_request_duration_seconds_count"
    }
    assert len(counted) == MOST_ERROR_TYPES + 1
    assert sum(counted.values()) == 500


def test_guardrails_cannot_add_series_by_ever_new_names() -> None:
    metrics = Metrics()
    for number in range(MOST_GUARDRAIL_NAMES + 9):
        metrics.guarded(f"rail-{number}", "in", "noted", "", 1)
    counted = {
        dict(labels)["guardrail"]: value
        for (name, labels), value in scrape(metrics).items()
        if name == "trunkline_guardrail_actions_total"
    }
    assert len(counted) == MOST_GUARDRAIL_NAMES
    assert counted["other"] == 10


def test_well_known_names_are_used_for_operations_and_providers() -> None:
    metrics = Metrics()
    metrics.model("embedding", "mistral", "m", "a").duration("")
    labels = {
        dict(labels)["gen_ai_provider_name"] + " " + dict(labels)["gen_ai_operation_name"]
        for (name, labels) in scrape(metrics)
        if name == "gen_ai_server_request_duration_seconds_count"
    }
    assert labels == {"mistral_ai embeddings"}
