from google.genai import types

from trunkline.gateway.models_gemini import alias_name, gemini_model, gemini_models
from trunkline.gateway.snapshot import Alias, Connection, Origin, Target

CONNECTION = Connection("c", "openai", "openai", {}, Origin("https", "h", 443), ())


def target(window: int | None, ceiling: int) -> Target:
    return Target(CONNECTION, "m", None, max_output_tokens=ceiling, context_window=window)


def test_a_chat_model_has_the_limits_of_its_weakest_target() -> None:
    alias = Alias("smart", (target(1000, 200), target(500, 300)), max_tokens=250)
    assert gemini_model(alias) == {
        "name": "models/smart",
        "version": "001",
        "displayName": "smart",
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        "inputTokenLimit": 500,
        "outputTokenLimit": 200,
    }


def test_what_is_not_known_is_left_out() -> None:
    aliases = [
        Alias("smart", (target(None, 200), target(500, 300))),
        Alias("vectors", (target(500, 1),), kind="embedding"),
        Alias("painter", (), kind="image"),
    ]
    named = {"version": "001"}
    chat = ["generateContent", "streamGenerateContent", "countTokens"]
    assert gemini_models(aliases) == {
        "models": [
            {
                "name": "models/smart",
                **named,
                "displayName": "smart",
                "supportedGenerationMethods": chat,
                "outputTokenLimit": 200,
            },
            {
                "name": "models/vectors",
                **named,
                "displayName": "vectors",
                "supportedGenerationMethods": ["embedContent", "batchEmbedContents"],
                "inputTokenLimit": 500,
            },
            {
                "name": "models/painter",
                **named,
                "displayName": "painter",
                "supportedGenerationMethods": [],
            },
        ]
    }


def test_googles_sdk_knows_every_member() -> None:
    told = gemini_model(Alias("smart", (target(1000, 200),)))
    # The SDK calls the methods actions.
    told["supportedActions"] = told.pop("supportedGenerationMethods")
    model = types.Model.model_validate(told)
    assert (model.name, model.input_token_limit, model.output_token_limit) == (
        "models/smart",
        1000,
        200,
    )


def test_a_name_is_known_with_and_without_its_collection() -> None:
    assert [alias_name("models/smart"), alias_name("smart")] == ["smart", "smart"]
