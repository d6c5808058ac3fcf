"""Fields that several of the written forms have: names, references, and what is refused of all."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from trunkline.connections.secrets import check_reference


class Strict(BaseModel):
    """Unknown fields are refused, never ignored; values do not change after they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", value):
        raise ValueError("1 to 63 small letters, digits, dots, dashes and underscores")
    return value


def _model_name(value: str) -> str:
    if not value.isprintable() or any(char.isspace() for char in value):
        raise ValueError("a model name has no spaces and no control characters")
    return value


def each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    """The names themselves.

    Raises:
        ValueError: one of them is written twice.
    """
    if len(set(value)) < len(value):
        raise ValueError("each name is written once")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
ModelName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_model_name)]
UpstreamId = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_model_name)]
Reference = Annotated[str, Field(max_length=500), AfterValidator(check_reference)]
"""Where a secret is found."""
