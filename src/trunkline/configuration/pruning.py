"""Keeps a slip from removing everything: a file that is empty was hardly meant to be."""

from collections.abc import Iterator
from typing import Final

from trunkline.configuration.export import Document
from trunkline.configuration.loading import Loaded
from trunkline.configuration.problems import Problem

PRUNED: Final = ("connections", "guardrails", "models", "prices")
"""Sections of what is shared that pruning removes from. Tiers stay."""


def slips(loaded: Loaded, shared: Document) -> Iterator[Problem]:
    """What would go because a file does not speak of it, and not because it says so.

    That is everything, or every model, where the file names no organisation: a whole configuration
    has one. An empty list says that one means it. A version of the shared part is always meant.

    Args:
        loaded: the configuration, which is about to be applied with pruning.
        shared: what is shared now.
    """
    if loaded.whole or loaded.content.organisations:
        return
    said = loaded.content.model_fields_set
    going = [f"{name} ({len(shared[name])})" for name in PRUNED if name in shared]
    if going and said.isdisjoint(PRUNED):
        yield Problem(
            "",
            "it names nothing, and pruning would remove all that organisations share: "
            f"{', '.join(going)}. Where something shall go, write its section as an empty list, "
            "such as models: []",
        )
    elif "models" in shared and "models" not in said:
        yield Problem(
            "models",
            "the file has none, and pruning would remove every model that organisations share "
            f"({len(shared['models'])}). Write models: [] if they shall go",
        )
