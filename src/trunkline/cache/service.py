"""Tells all processes to forget answers that were kept."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import InvalidRequest
from trunkline.gateway.recall.place import beginning_of, place_of
from trunkline.storage.changes import append_change

CACHE: Final = "cache"
"""The kind of the changes that say so. Their id is what the keys begin with after the
organisation's own part."""

# What a change has room for. A longer beginning is told as far as it fits, and what else begins
# like that is forgotten with it: only money is lost by that.
_LONGEST: Final = 36


def beginning(
    org_id: str, *, model: str | None = None, prefix: str | None = None, everything: bool = False
) -> str:
    """What the keys of those answers begin with that are to be forgotten.

    Args:
        org_id: whose.
        model: public name of the model whose answers they are.
        prefix: beginning of the names of such models.
        everything: all answers of the organisation.

    Raises:
        InvalidRequest: not exactly one of them was chosen, or it cannot be a name.
    """
    chosen = (bool(model), bool(prefix), everything)
    if sum(chosen) != 1:
        raise InvalidRequest(
            "Which answers are to be forgotten is not clear.",
            code="cache_choice",
            hint="Choose a model, a prefix of models' names, or all.",
        )
    if not (model or prefix or "").isprintable():
        raise InvalidRequest(
            "No model has a name with control characters.",
            param="model" if model else "prefix",
        )
    return place_of(org_id, model) if model else beginning_of(org_id, prefix or "")


async def tell(conn: AsyncConnection, org_id: str, begun: str) -> None:
    """Have every front forget the answers whose keys begin like this, with the commit.

    Call it last in the unit of work, see ``append_change``.
    """
    await append_change(conn, org_id, CACHE, begun.removeprefix(f"{org_id}/")[:_LONGEST])
