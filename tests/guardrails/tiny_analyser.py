"""An analyser that knows three words and some ways to misbehave, in the place of Presidio.

It speaks as ``trunkline.guardrails.presidio.messages`` says. Run as a file.
"""

import json
import os
import re
import sys
import time
from typing import Any

KNOWN = {
    "Ada Lovelace": ("PERSON", 0.85),
    "Lovelace": ("PERSON", 0.9),
    "Ada": ("ORGANIZATION", 0.5),
    "Zo\u00eb": ("PERSON", 0.85),
    "London": ("LOCATION", 0.85),
}


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def spots(text: str, task: dict[str, Any]) -> list[Any]:
    """All that overlap, too; ``Lovelace`` by itself counts only where no first name is before."""
    found = []
    for word, (kind, score) in KNOWN.items():
        if kind in task["entities"] and score >= task["threshold"]:
            before = r"(?<!Ada )" if word == "Lovelace" else ""
            found += [
                (one.start(), one.end(), kind, score) for one in re.finditer(before + word, text)
            ]
    return found


def misbehave(text: str) -> None:
    """Do what a text asks for."""
    if "DIE" in text:
        os._exit(3)
    if "FREEZE" in text:
        time.sleep(600)
    if "GARBAGE" in text:
        say("not JSON")
    if "LONG" in text:
        say("x" * 20_000_000)
    if "OTHER" in text:
        say(json.dumps({"number": 999}))


def main() -> None:
    """Look until the end of the input."""
    if "never" in sys.argv:
        sys.exit(1)
    say(json.dumps({"number": 0}))
    for line in sys.stdin:
        order = json.loads(line)
        told: dict[str, Any] = {"number": order["number"]}
        texts = order["texts"]
        for text in texts:
            misbehave(text)
        if any("FAIL" in text for text in texts):
            told["failure"] = "it cannot look"
        elif any("ENVIRONMENT" in text for text in texts):
            told["failure"] = " ".join(sorted(os.environ))  # noqa: TID251 - that is what it is asked.
        elif any("TOO FEW" in text for text in texts):
            told["found"] = []
        else:
            told["found"] = [spots(text, order["task"]) for text in texts]
        say(json.dumps(told))


if __name__ == "__main__":
    main()
