"""Google reads JSON as protocol buffers do: names in camel case, or with underscores."""

import re
from typing import Any, Final

from trunkline.errors import InvalidRequest

_HUMP: Final = re.compile("[A-Z]")


def snake(camel: str) -> str:
    """The other spelling of a name."""
    return _HUMP.sub(lambda found: f"_{found[0].lower()}", camel)


def spelled(members: dict[str, Any], camel: str) -> str:
    """The name under which an object has this member, camel case where it has none.

    Raises:
        InvalidRequest: it has the member under both names, and nobody can say which one counts.
    """
    other = snake(camel)
    if other == camel or other not in members:
        return camel
    if camel in members:
        raise InvalidRequest(
            f"'{camel}' is named twice, as '{other}' too.",
            code="invalid_value",
            param=camel,
            hint="Send it once.",
        )
    return other
