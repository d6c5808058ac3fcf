"""Codex: Responses, either as a provider of its own or in the place of OpenAI."""

import json

from tests.drills.clients.errand import Client, Errand, Run
from tests.drills.clients.json_lines import read_lines
from tests.drills.clients.packages import CODEX

_QUIET = """
check_for_update_on_startup = false
[analytics]
enabled = false
[feedback]
enabled = false
[features]
plugins = false
"""
_PROVIDER = """
model_provider = "trunkline"
[model_providers.trunkline]
name = "Trunkline"
base_url = "{base_url}/v1"
env_key = "TRUNKLINE_API_KEY"
wire_api = "responses"
"""
_IN_PLACE_OF_OPENAI = 'openai_base_url = "{base_url}/v1"\n'


def _prepare(errand: Errand) -> Run:
    return _run(errand, _PROVIDER, "TRUNKLINE_API_KEY")


def _prepare_patch(errand: Errand) -> Run:
    """A tool of free text beside the others, which it gives to models that it knows."""
    patch = "*** Begin Patch\n*** Add File: made.txt\n+made\n*** End Patch\n"
    words = f"[[call apply_patch {json.dumps(patch)}]]"
    return _run(errand, _PROVIDER, "TRUNKLINE_API_KEY", words)


def _prepare_in_place_of_openai(errand: Errand) -> Run:
    """OpenAI's own provider, which asks for a WebSocket first and must hear 426 at once."""
    return _run(errand, _IN_PLACE_OF_OPENAI, "CODEX_API_KEY")


def _run(errand: Errand, settings: str, key: str, words: str = "") -> Run:
    file = errand.home / ".codex" / "config.toml"
    file.parent.mkdir()
    head = f'model = "{errand.model}"\n'
    # Keys of the file's top level have to stand before its first table.
    first, mark, table = settings.format(base_url=errand.base_url).partition("[")
    file.write_text(f"{head}{first.strip()}\n{_QUIET.strip()}\n{mark}{table}")
    words += errand.words("exec_command", lambda path: {"cmd": f"cat {path}"})
    unasked = "--dangerously-bypass-approvals-and-sandbox"
    execute = ("exec", "--json", "--skip-git-repo-check", unasked)
    return Run(
        (*execute, words),
        {key: errand.key},
        again=(*execute, "--model", errand.other_model, "resume", "--last", errand.last_words),
    )


def final_words(output: str, _errand: Errand) -> str:
    """The last message of the agent, of a turn that was completed."""
    events = read_lines(output)
    if not any(event["type"] == "turn.completed" for event in events):
        return ""
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    texts = [item["text"] for item in items if item["type"] == "agent_message"]
    return str(texts[-1]) if texts else ""


def _final_words_and_patch(output: str, errand: Errand) -> str:
    """As ``final_words``, where the patch was applied."""
    made = errand.workspace / "made.txt"
    return final_words(output, errand) if made.exists() else ""


CLIENT = Client("Codex", CODEX, "openai_responses", _prepare, final_words)
IN_PLACE_OF_OPENAI = Client(
    "Codex, built-in provider",
    CODEX,
    "openai_responses",
    _prepare_in_place_of_openai,
    final_words,
)
WITH_PATCHES = Client(
    "Codex, a model that it knows",
    CODEX,
    "openai_responses",
    _prepare_patch,
    _final_words_and_patch,
    prefix="gpt-5.5",
)
