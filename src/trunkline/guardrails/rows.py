"""A guardrail as it is kept."""

from typing import Any

import msgspec


class GuardrailRow(msgspec.Struct, frozen=True):
    """One guardrail.

    Attributes:
        org_id: its owner; None for one of the operator's, which every organisation may name.
        spec: what is written, without the name.
    """

    id: str
    org_id: str | None
    name: str
    spec: dict[str, Any]
