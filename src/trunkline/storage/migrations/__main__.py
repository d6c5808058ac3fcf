"""``python -m trunkline.storage.migrations``: bring a database to head, then end.

Reads ``{"url": ...}`` from standard input, so that no password stands on a command line. Exits
with 1 and a last line that gives the reason on standard error.
"""

import asyncio
import sys

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import TrunklineError
from trunkline.storage.migrations.upgrade import upgrade


class Order(msgspec.Struct):
    """What the parent asks for."""

    url: str


def main() -> int:
    """Upgrade the database of the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        asyncio.run(upgrade(order.url))
    except TrunklineError as error:
        sys.stderr.write(f"{error.message.rstrip('.')}\n")
        return 1
    except (SQLAlchemyError, OSError) as error:
        sys.stderr.write(f"{error}\n{str(error).splitlines()[0].rstrip('.')}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
