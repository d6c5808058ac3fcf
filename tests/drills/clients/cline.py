"""Cline: Chat Completions, after a sign-in that stores address and key."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.json_lines import read_lines
from tests.drills.clients.packages import CLINE


def _prepare(errand: Errand) -> Run:
    words = errand.words("read_files", lambda path: {"files": [{"path": path}]})
    settings = errand.home / "cline-settings.json"
    settings.write_text(json.dumps({"telemetryOptOut": True, "autoUpdateEnabled": False}))
    stored = ("--data-dir", str(errand.home / "cline"))
    sign_in = ("auth", "openai", "-k", errand.key, "-b", f"{errand.base_url}/v1")
    return Run(
        (words, "-P", "openai", "-m", errand.model, "--json", *stored),
        {"CLINE_GLOBAL_SETTINGS_PATH": str(settings)},
        first=((*sign_in, "-m", errand.model, *stored),),
    )


def final_words(output: str, _errand: Errand) -> str:
    """The text of its ``run_result``, which comes once and last."""
    results = [event for event in read_lines(output) if event["type"] == "run_result"]
    if not results or results[-1]["finishReason"] != "completed":
        return ""
    return str(results[-1]["text"])


CLIENT = Client("Cline", CLINE, "openai_chat", _prepare, final_words)
