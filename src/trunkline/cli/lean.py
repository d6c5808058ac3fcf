"""Imports for a server without what only a developer's terminal needs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# structlog loads Rich where it is installed, for coloured tracebacks; with Pygments that is 4 MB of
# memory in every process that writes JSON lines.
_FOR_TERMINALS = ("rich",)


@contextmanager
def lean_imports() -> Iterator[None]:
    """Inside the block these packages cannot be imported; those that are loaded already stay."""
    absent = [name for name in _FOR_TERMINALS if name not in sys.modules]
    for name in absent:
        # The documented way to make an import of a name fail.
        sys.modules[name] = None  # type: ignore[assignment]  # typeshed knows only modules
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
