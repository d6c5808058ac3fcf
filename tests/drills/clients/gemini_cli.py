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
    errand.leave_note()
    settings = errand.home / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(_SETTINGS))
    call = json.dumps({"file_path": str(errand.note)})
    asked = ("--prompt", f"[[call read_file {call}]]")
    return Run(
        ("--model", errand.model, "--skip-trust", "--yolo", "--output-format", "json", *asked),
        {"GOOGLE_GEMINI_BASE_URL": errand.base_url, "GEMINI_API_KEY": errand.key},
    )


def final_words(output: str, _errand: Errand) -> str:
    """``response`` of the document that it prints, which has an ``error`` when it failed."""
    return str(json.loads(output).get("response", ""))


CLIENT = Client("Gemini CLI", GEMINI_CLI, "gemini", _prepare, final_words)
