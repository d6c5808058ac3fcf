from trunkline.simulator.openai.items import Item
from trunkline.simulator.openai.stored import StoredResponse, StoredResponses


def response(ident: str) -> StoredResponse:
    item = Item("message", {}, id=f"msg_of_{ident}")
    return StoredResponse({"id": ident}, input=(), output=(item,))


def test_the_oldest_responses_are_forgotten_first() -> None:
    stored = StoredResponses(size=2)
    for ident in ("first", "second", "third"):
        stored.keep(response(ident))
    found = {ident: stored.find(ident) for ident in ("first", "second", "third")}
    assert found == {"first": None, "second": response("second"), "third": response("third")}
    assert stored.item("msg_of_first") is None
    assert stored.item("msg_of_second") == response("second").output[0]
