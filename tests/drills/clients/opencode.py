"""OpenCode: Chat Completions or Responses, by which package of the AI SDK its settings name."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.json_lines import read_lines
from tests.drills.clients.packages import OPENCODE


def _prepare(errand: Errand) -> Run:
    return _run(errand, "@ai-sdk/openai-compatible")


def _prepare_responses(errand: Errand) -> Run:
    return _run(errand, "@ai-sdk/openai")


def _run(errand: Errand, package: str) -> Run:
    settings = errand.home / ".config" / "opencode" / "opencode.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(_settings(errand, package)))
    words = errand.words("read", lambda path: {"filePath": path})
    execute = ("run", "--pure", "--format", "json", "--model")
    return Run(
        (*execute, f"trunkline/{errand.model}", words),
        {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1"},
        again=(*execute, f"trunkline/{errand.other_model}", "--continue", errand.last_words),
    )


def _settings(errand: Errand, package: str) -> dict[str, object]:
    return {
        "autoupdate": False,
        "share": "disabled",
        "provider": {
            "trunkline": {
                "npm": package,
                "name": "Trunkline",
                "options": {"baseURL": f"{errand.base_url}/v1", "apiKey": errand.key},
                "models": {
                    model: {"limit": {"context": 200_000, "output": 8_000}}
                    for model in (errand.model, errand.other_model)
                },
            }
        },
    }


def final_words(output: str, _errand: Errand) -> str:
    """The last text among its events."""
    texts = [event["part"]["text"] for event in read_lines(output) if event["type"] == "text"]
    return str(texts[-1]) if texts else ""


CLIENT = Client("OpenCode", OPENCODE, "openai_chat", _prepare, final_words)
RESPONSES = Client(
    "OpenCode, Responses", OPENCODE, "openai_responses", _prepare_responses, final_words
)
