"""Claude Code: Anthropic's wire, set up by environment variables alone."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.packages import CLAUDE_CODE


def _prepare(errand: Errand) -> Run:
    errand.leave_note()
    call = json.dumps({"file_path": str(errand.note)})
    return Run(
        ("-p", f"[[call Read {call}]]", "--output-format", "json", "--allowedTools", "Read"),
        {
            "ANTHROPIC_BASE_URL": errand.base_url,
            "ANTHROPIC_AUTH_TOKEN": errand.key,
            "ANTHROPIC_MODEL": errand.model,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": errand.model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
    )


def final_words(output: str, _errand: Errand) -> str:
    """``result`` of the one document that it prints."""
    result = json.loads(output)
    return "" if result["is_error"] else str(result["result"])


CLIENT = Client("Claude Code", CLAUDE_CODE, "anthropic_messages", _prepare, final_words)
