"""The list of models in the shape of the caller's wire, chat models first."""

from datetime import UTC, datetime

from trunkline.errors import NotFound
from trunkline.gateway.lookup import Question
from trunkline.gateway.models_gemini import alias_name, gemini_model, gemini_models
from trunkline.gateway.snapshot import Alias


async def list_models(question: Question) -> object:
    """What the key may use, by name, chat models first."""
    aliases = _usable(question)
    if question.wire.name == "gemini":
        return gemini_models(aliases)
    if question.wire.name == "anthropic_messages":
        data = [_anthropic(alias) for alias in aliases]
        return {
            "data": data,
            "has_more": False,
            "first_id": aliases[0].name if aliases else None,
            "last_id": aliases[-1].name if aliases else None,
        }
    return {"object": "list", "data": [_openai(alias) for alias in aliases]}


async def describe_model(question: Question) -> object:
    """One model of the list.

    Raises:
        NotFound: it is not published, or not for this key.
    """
    gemini = question.wire.name == "gemini"
    wanted = alias_name(question.item or "") if gemini else question.item
    for alias in _usable(question):
        if alias.name == wanted:
            if gemini:
                return gemini_model(alias)
            anthropic = question.wire.name == "anthropic_messages"
            return _anthropic(alias) if anthropic else _openai(alias)
    raise NotFound(
        "This model does not exist or your key may not use it.",
        code="model_not_found",
        param="model",
        hint="GET /v1/models lists those that it may use.",
    )


def _usable(question: Question) -> list[Alias]:
    caller = question.caller
    snapshot = question.ports.routes.snapshot(caller.org_id)
    usable = [alias for alias in snapshot.aliases.values() if caller.may_use(alias.name)]
    return sorted(usable, key=lambda alias: (alias.kind != "chat", alias.name))


def _openai(alias: Alias) -> dict[str, object]:
    owner = alias.targets[0].connection.provider if alias.targets else "trunkline"
    return {"id": alias.name, "object": "model", "created": alias.created, "owned_by": owner}


def _anthropic(alias: Alias) -> dict[str, object]:
    created = datetime.fromtimestamp(alias.created, UTC)
    return {
        "type": "model",
        "id": alias.name,
        "display_name": alias.name,
        "created_at": created.isoformat().replace("+00:00", "Z"),
    }
