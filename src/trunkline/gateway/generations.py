"""What a past request used and cost."""

from trunkline.errors import NotFound
from trunkline.gateway.lookup import Question


async def find_generation(question: Question) -> object:
    """The request of the caller's organisation with this id.

    Raises:
        NotFound: there is none.
    """
    found = await question.ports.generations.find(question.caller, question.item or "")
    if found is None:
        raise NotFound(
            "There is no such generation in your organisation.",
            code="generation_not_found",
            hint="Use the id from the header x-trunkline-generation-id.",
        )
    return {"data": found}
