"""Claude Code: Anthropic's wire, set up by environment variables alone."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.packages import CLAUDE_CODE


def _prepare(errand: Errand) -> Run:
    words = errand.words("Read", lambda path: {"file_path": path})
    output = ("--output-format", "json")
    return Run(
        ("-p", words, *output, "--allowedTools", "Read"),
        {
            "ANTHROPIC_BASE_URL": errand.base_url,
            "ANTHROPIC_AUTH_TOKEN": errand.key,
            "ANTHROPIC_MODEL": errand.model,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": errand.model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
        again=("-p", errand.last_words, *output, "--continue", "--model", errand.other_model),
    )


def final_words(output: str, _errand: Errand) -> str:
    """``result`` of the one document that it prints."""
    result = json.loads(output)
    return "" if result["is_error"] else str(result["result"])


CLIENT = Client("Claude Code", CLAUDE_CODE, "anthropic_messages", _prepare, final_words)
