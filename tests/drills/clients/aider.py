"""Aider: Chat Completions without tools; files stand in the model's text."""

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.packages import AIDER

_ARGUMENTS = (
    "--edit-format", "whole", "--yes-always", "--no-check-update", "--analytics-disable",
    "--map-tokens", "0", "--no-git", "--no-show-model-warnings", "--no-show-release-notes",
    "--no-pretty", "--no-detect-urls",
)  # fmt: skip

_CHECK = """test -f second.txt && exit 0
cat <<'END'
{words}
END
exit 1
"""


def _prepare(errand: Errand) -> Run:
    """Let the model write a file, and have a check print the words that demand another one."""
    wanted = _file("second.txt", errand.word)
    check = errand.workspace / "check.sh"
    check.write_text(_CHECK.format(words=f"[[say One is missing.\n{wanted}]]"))
    message = f"[[say Here it is.\n{_file('first.txt', 'first')}]]"
    return Run(
        (
            "--model", f"openai/{errand.model}", *_ARGUMENTS,
            "--auto-test", "--test-cmd", "sh check.sh", "--message", message,
        ),
        {"OPENAI_API_BASE": f"{errand.base_url}/v1", "OPENAI_API_KEY": errand.key},
    )  # fmt: skip


def _file(name: str, content: str) -> str:
    return f"\n{name}\n```\n{content}\n```\n"


def final_words(_output: str, errand: Errand) -> str:
    """What it wrote into the second file."""
    second = errand.workspace / "second.txt"
    return second.read_text() if second.exists() else ""


CLIENT = Client("Aider", AIDER, "openai_chat", _prepare, final_words, sends_results=False)
