"""The list of models in Ollama's shapes, for programs that look before they ask.

Editors read the length of the context and the capabilities from here; what nobody knows is empty,
as it is for models that Ollama itself runs elsewhere.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from trunkline.errors import NotFound
from trunkline.gateway.exchange.destination import Traits
from trunkline.gateway.lookup import Question
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.members import read_members, read_text, required_model

# The release of Ollama whose shapes these are. Editors refuse to talk to versions below 0.6.4.
_VERSION: Final = "0.32.15"

# What Ollama's endpoints can ask a model for.
_KINDS: Final = frozenset({"chat", "completion", "embedding"})

_PLAIN_TEMPLATE: Final = "{{ .Prompt }}"
# Editors look for this word to learn whether a model fills gaps.
_FILLING_TEMPLATE: Final = "{{ .Prompt }}{{ .Suffix }}"


async def list_local(question: Question) -> object:
    """``/api/tags``: what the key may use, by name, chat models first."""
    return {"models": [_listed(alias) for alias in _usable(question)]}


async def list_running(_question: Question) -> object:
    """``/api/ps``: models run at their providers, and none of them here."""
    return {"models": []}


async def tell_version(_question: Question) -> object:
    """``/api/version``: the release whose shapes our answers have."""
    return {"version": _VERSION}


async def show_model(question: Question) -> object:
    """``/api/show``: one model of the list, named in the body.

    Raises:
        InvalidRequest: the body names none.
        NotFound: it is not published, or not for this key.
    """
    members = read_members(question.body)
    # The older name of the member, which clients still send beside the newer one.
    older = read_text(members, "name", "")
    name = older or required_model(members, "model is required")
    for alias in _usable(question):
        if alias.name == name:
            return _shown(alias)
    raise NotFound(
        "This model does not exist or your key may not use it.",
        code="model_not_found",
        param="model",
        hint="GET /api/tags lists those that it may use.",
    )


def _usable(question: Question) -> list[Alias]:
    caller = question.caller
    snapshot = question.ports.routes.snapshot(caller.org_id)
    usable = [
        alias
        for alias in snapshot.aliases.values()
        if alias.kind in _KINDS and caller.may_use(alias.name)
    ]
    return sorted(usable, key=lambda alias: (alias.kind != "chat", alias.name))


def _listed(alias: Alias) -> dict[str, object]:
    return {
        "name": alias.name,
        "model": alias.name,
        "modified_at": _changed(alias),
        "size": 0,
        # Clients cut the first letters off and take them for an id.
        "digest": sha256(alias.name.encode()).hexdigest(),
        "details": _details(alias),
        "capabilities": _capabilities(alias),
    }


def _shown(alias: Alias) -> dict[str, object]:
    family = _family(alias)
    window = _window(alias)
    info: dict[str, object] = {"general.architecture": family, "general.basename": alias.name}
    if window is not None:
        info[f"{family}.context_length"] = window
    filling = alias.kind == "completion"
    return {
        "modelfile": "",
        "parameters": "",
        "template": _FILLING_TEMPLATE if filling else _PLAIN_TEMPLATE,
        "details": _details(alias),
        "model_info": info,
        "capabilities": _capabilities(alias),
        "modified_at": _changed(alias),
    }


def _details(alias: Alias) -> dict[str, object]:
    family = _family(alias)
    return {
        "parent_model": "",
        "format": "",
        "family": family,
        "families": [family],
        "parameter_size": "",
        "quantization_level": "",
    }


def _family(alias: Alias) -> str:
    return alias.targets[0].connection.provider if alias.targets else "trunkline"


def _window(alias: Alias) -> int | None:
    """The context that every target has, or None where one of them is not known."""
    windows = [target.context_window for target in alias.targets]
    known = [window for window in windows if window is not None]
    return min(known) if known and len(known) == len(windows) else None


def _capabilities(alias: Alias) -> list[str]:
    """Ollama's words for what the first target can do; the others are there for its failures."""
    if alias.kind == "embedding":
        return ["embedding"]
    if alias.kind == "completion":
        return ["completion", "insert"]
    traits = alias.targets[0].traits if alias.targets else Traits()
    able = ["completion"]
    if "tools" not in traits.refuses:
        able.append("tools")
    if "image" not in traits.refuses:
        able.append("vision")
    if traits.thinking or traits.thinks_always:
        able.append("thinking")
    return able


def _changed(alias: Alias) -> str:
    return datetime.fromtimestamp(alias.created, UTC).isoformat().replace("+00:00", "Z")
