"""How peers and provider are configured, and what is chosen to be measured."""

import json
import re
from pathlib import Path

import pytest
import yaml
from bench.candidates import full, litellm, portkey
from bench.candidates.roster import ALL, pick
from bench.candidates.then import FIRST, at_commit
from bench.cases import (
    ALL_CASES,
    FEATURED,
    FEATURED_CASES,
    FULL_CASES,
    QUICK_CASES,
    TRANSLATED,
    TRANSLATION_CASES,
    choose,
)
from bench.machine import CannotMeasure, Cores
from bench.place import Site, Upstreams
from bench.processes import Unable
from bench.provider.nginx import configuration

from trunkline.configuration.schema import ConfigurationFile

MODELS = {case.model for case in FULL_CASES}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, Cores(0, 1), Upstreams(1001, 1002, 1003, 1004), tmp_path / "ca.pem")


def test_litellm_knows_every_model_at_its_own_provider(site: Site) -> None:
    listed = litellm.configuration(site)["model_list"]

    bases = {item["model_name"]: item["litellm_params"]["api_base"] for item in listed}
    assert bases.keys() == MODELS
    assert bases["bench-chat"] == "http://127.0.0.1:1001/v1"
    assert bases["bench-chat-tls"] == "https://127.0.0.1:1002/v1"
    assert bases["bench-messages-stream"] == "http://127.0.0.1:1003"
    assert bases["bench-chat-stream-tls"] == "https://127.0.0.1:1004/v1"


def test_full_has_six_limits_and_four_budgets_in_a_valid_file(site: Site) -> None:
    written = yaml.safe_dump(full.configuration(site, site.folder))

    content = ConfigurationFile.model_validate(yaml.safe_load(written))

    (organisation,) = content.organisations
    assert (len(organisation.limits), len(organisation.budgets)) == (6, 4)
    assert not any(rule.shadow for rule in organisation.limits)
    assert not any(rule.shadow for rule in organisation.budgets)
    assert all(budget.hard for budget in organisation.budgets)
    assert {model.name for model in content.models} == {case.model for case in ALL_CASES}


def test_the_product_of_an_unknown_commit_is_not_prepared(site: Site) -> None:
    with pytest.raises(Unable, match="there is no commit 0000000"):
        at_commit("0000000").prepare(site, print)


def test_the_product_of_then_is_asked_for_nothing_that_it_did_not_know(site: Site) -> None:
    then = at_commit(FIRST)
    assert then.title == f"trunkline at {FIRST}"
    content = full.configuration(site, site.folder, then.cases or ())
    assert "guardrails" not in content
    assert all(model.keys() == {"name", "targets"} for model in content["models"])
    assert [case.model for case in ALL_CASES if then.takes(case)] == [
        model["name"] for model in content["models"]
    ]


def test_the_provider_holds_both_bodies_and_listens_on_loopback_only(site: Site) -> None:
    text = configuration(site.folder, site.upstreams)

    assert set(re.findall(r"listen (\S+)", text)) == {
        "127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1004",
    }  # fmt: skip
    assert text.count("location = /v1/chat/completions") == 2
    assert text.count("location = /v1/messages") == 2
    assert text.count("location = /filtered/v1/chat/completions") == 2
    assert text.count('"finish_reason":"content_filter"') == 2
    assert text.count("location = /v1beta/models/bench-chat-to-gemini:generateContent") == 2


@pytest.mark.parametrize(
    "lock",
    [litellm.FOLDER / "requirements.txt", portkey.FOLDER / "package-lock.json"],
    ids=["litellm", "portkey"],
)
def test_no_lock_of_a_peer_holds_the_address_of_a_registry(lock: Path) -> None:
    text = lock.read_text()

    assert not re.search(r"registry\.|pypi\.org|pythonhosted|--index-url=|\"resolved\"", text)


def test_portkey_is_pinned_to_what_its_lock_holds() -> None:
    package = json.loads((portkey.FOLDER / "package.json").read_text())
    lock = json.loads((portkey.FOLDER / "package-lock.json").read_text())

    locked = lock["packages"]["node_modules/@portkey-ai/gateway"]["version"]
    assert package["dependencies"] == {"@portkey-ai/gateway": locked}


def test_a_run_can_be_narrowed() -> None:
    assert choose(None, None, quick=True) == list(QUICK_CASES)
    assert choose(None, None, quick=False) == list(FULL_CASES)
    narrowed = choose("chat", 32, quick=False)
    assert [(case.stream, case.concurrency) for case in narrowed] == [(False, 32)]
    assert choose("chat", 7, quick=False) == []
    translated = choose("chat_to_gemini", 100, quick=False)
    assert [(case.model, case.provider_path) for case in translated] == [
        (
            "bench-chat-to-gemini-stream",
            "/v1beta/models/bench-chat-to-gemini-stream:streamGenerateContent?alt=sse",
        )
    ]


def test_a_translated_call_stands_beside_one_that_was_measured_with_it() -> None:
    assert len(TRANSLATION_CASES) == len(set(TRANSLATION_CASES))
    assert {candidate.title for candidate in ALL if candidate.featured} == {"trunkline full"}
    for pair in TRANSLATED:
        assert {pair.passed, pair.added} <= set(TRANSLATION_CASES)
        assert pair.passed.operation.spoken is None
        assert pair.added.operation.wire == pair.passed.operation.wire


def test_every_call_with_a_feature_stands_beside_the_plain_one() -> None:
    for pair in FEATURED:
        assert {pair.passed, pair.added} <= set(FEATURED_CASES)
        assert pair.passed.operation.feature is None
        assert (pair.passed.stream, pair.passed.concurrency) == (
            pair.added.stream,
            pair.added.concurrency,
        )
    demanded = {pair.added.operation.name: pair.at_most for pair in FEATURED if pair.at_most}
    assert demanded == {
        "chat_routed": 1.1,
        "chat_looked_up": 1.1,
        "chat_cached_hit": 0.6,
        "chat_everything_hit": 0.6,
    }


def test_models_have_what_their_calls_are_named_after(site: Site) -> None:
    written = full.configuration(site, site.folder)
    content = ConfigurationFile.model_validate(yaml.safe_load(yaml.safe_dump(written)))
    models = {model.name: model for model in content.models}

    everything, cached = models["bench-chat-everything"], models["bench-chat-cached"]
    assert everything.route is not None
    assert [target.model for target in everything.targets] == [
        "bench-chat-everything",
        "bench-chat-everything-second",
    ]
    assert everything.route.fallbacks.keys() == {"error", "context_window", "budget"}
    looked_up = models["bench-chat-looked_up"]
    assert (looked_up.cache, looked_up.guardrails) == (everything.cache, everything.guardrails)
    assert looked_up.route is not None
    assert looked_up.route.fallbacks == everything.route.fallbacks
    assert everything.cache == cached.cache
    assert cached.cache is not None
    assert cached.cache.enabled
    assert models["bench-chat-routed"].cache is None
    assert models["bench-chat-routed"].route is not None
    assert models["bench-chat-routed"].route.policy == everything.route.policy == "latency"
    assert models["bench-chat-guarded"].guardrails == ("personal-data",)
    assert models["bench-chat"].route is None


def test_candidates_are_picked_by_their_handles() -> None:
    assert [candidate.title for candidate in pick("full, nginx")] == ["trunkline full", "nginx"]
    assert pick(None) == list(ALL)
    with pytest.raises(CannotMeasure, match="unknown: envoy; there are direct, nginx, bare, full"):
        pick("envoy")
