"""How Google's paths and bodies name a model."""

from typing import Final
from urllib.parse import quote

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.members import read_text

_encode = msgspec.json.Encoder().encode
_PREFIX: Final = "models/"
_TUNED: Final = "tunedModels/"
_PLAIN: Final = "-._~@"


def model_path(model: str) -> bytes:
    """The path of a model, below the version; tuned models have a collection of their own."""
    if model.startswith(_TUNED):
        return b"/" + quote(model, safe=_PLAIN + "/").encode()
    return b"/models/" + quote(model, safe=_PLAIN).encode()


def short_name(model: str) -> str:
    """The name of a model without the collection before it."""
    return model.removeprefix(_PREFIX)


def full_name(model: str) -> str:
    """The name of a model as bodies have it."""
    return model if model.startswith(_TUNED) else _PREFIX + model


def model_of(fields: dict[str, msgspec.Raw], place: Place) -> str:
    """The model that the path names, else the body.

    Raises:
        InvalidRequest: neither names one.
    """
    model = short_name(place.item or read_text(fields, "model", ""))
    if not model:
        raise no_model()
    return model


def no_model() -> InvalidRequest:
    """The error for a request without a model."""
    return InvalidRequest(
        "model is not specified.",
        code="missing_model",
        param="model",
        hint="Name a model in the path; GET /v1beta/models lists those that your key may use.",
    )


def renamed(fields: dict[str, msgspec.Raw], model: str) -> dict[str, msgspec.Raw]:
    """The members with the provider's own name of the model, where they name one."""
    if "model" not in fields:
        return fields
    return {**fields, "model": msgspec.Raw(_encode(full_name(model)))}
