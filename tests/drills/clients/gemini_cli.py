"""Gemini CLI: Google's wire, with a settings file that chooses the key."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.packages import GEMINI_CLI

_SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}


def _prepare(errand: Errand) -> Run:
    settings = errand.home / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(_SETTINGS))
    words = errand.words("read_file", lambda path: {"file_path": path})
    # Resuming, it tells the result of each call twice, which Google refuses on its own wire; so do
    # we there, since bytes pass. Other providers get each result once.
    again = not errand.other_model.endswith("gemini")
    execute = ("--skip-trust", "--yolo", "--output-format", "json", "--model")
    return Run(
        (*execute, errand.model, "--prompt", words),
        {"GOOGLE_GEMINI_BASE_URL": errand.base_url, "GEMINI_API_KEY": errand.key},
        again=(
            (*execute, errand.other_model, "--resume", "latest", "--prompt", errand.last_words)
            if again
            else ()
        ),
    )


def final_words(output: str, _errand: Errand) -> str:
    """``response`` of the document that it prints, which has an ``error`` when it failed."""
    return str(json.loads(output).get("response", ""))


CLIENT = Client("Gemini CLI", GEMINI_CLI, "gemini", _prepare, final_words)
