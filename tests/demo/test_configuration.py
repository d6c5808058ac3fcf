"""What the demo offers: every model of the simulator, at home in its own wire, with a price."""

from trunkline.demo.configuration import LLAMA, POLICIES, SIMULATED, demo_configuration
from trunkline.gateway.providers.registry import find_provider
from trunkline.simulator.models import MODELS

OFFERED = demo_configuration("http://127.0.0.1:9", "/somewhere/demo.key")
PUBLISHED = {model.name: model for model in OFFERED.models}


def test_every_model_of_the_simulator_has_its_own_name() -> None:
    targets = {name: model.targets[0].model for name, model in PUBLISHED.items()}
    assert {model.name: targets.get(model.name) for model in MODELS} == {
        model.name: model.name for model in MODELS
    }
    routed = {name for name, _, _ in POLICIES}
    twice = [name for name, target in targets.items() if name != target and name not in routed]
    assert twice == ["claude-sim-fast", "claude-sim-chat", "claude-sim-slow",
                     "claude-sim-long", "claude-sim-think"]  # fmt: skip


def test_each_model_is_at_home_where_its_first_wire_is_spoken() -> None:
    providers = {simulated.name: find_provider(simulated.provider) for simulated in SIMULATED}
    for model in MODELS:
        home = providers[PUBLISHED[model.name].targets[0].connection]
        assert home is not None
        assert model.wires[0] in home.wires, model.name


def test_each_published_model_has_a_price_at_its_connection() -> None:
    priced = {(price.connection, price.model) for price in OFFERED.prices}
    targets = {(t.connection, t.model) for model in OFFERED.models for t in model.targets}
    assert targets - priced == set()


def test_only_models_that_are_billed_by_searches_have_a_price_of_them() -> None:
    searching = {price.model for price in OFFERED.prices if price.searches is not None}
    assert searching == {"sim-rerank", "rerank-v3.5"}


def test_what_a_model_is_for_follows_its_first_wire() -> None:
    kinds = {
        "gpt-4o": "chat",
        "gpt-3.5-turbo-instruct": "completion",
        "codestral-latest": "chat",
        "nomic-embed-text": "embedding",
        "rerank-2.5": "rerank",
        "gpt-image-1": "image",
        "tts-1": "speech",
        "whisper-1": "transcription",
        "omni-moderation-latest": "moderation",
    }
    assert {name: PUBLISHED[name].kind for name in kinds} == kinds


def test_the_default_model_goes_to_together_and_then_to_openai() -> None:
    llama = PUBLISHED[LLAMA]
    assert llama.name == "meta-llama/Llama-3-70b-chat-hf"
    assert [target.name for target in llama.targets] == [
        "together/meta-llama/Llama-3-70b-chat-hf",
        "sim-openai/gpt-4o-mini",
    ]
    connections = {row.name: row.provider for row in OFFERED.connections}
    assert [connections[target.connection] for target in llama.targets] == ["together", "openai"]


def test_each_policy_has_a_name_to_try_it_by() -> None:
    shown = {model.route.policy: name for name, model in PUBLISHED.items() if model.route}
    assert shown == {
        "ordered": LLAMA, "weighted": "split", "latency": "fast", "price": "cheap",
        "sticky": "steady",
    }  # fmt: skip
