"""Refuses a commit message that is not conventional: the hook of the commit-msg stage.

``type(room): Subject`` with a capitalised imperative sentence without a full stop, at most 100
characters; an empty line before the body. Messages that git writes itself pass.
"""

import re
import sys
from pathlib import Path

TYPES = ("feat", "fix", "perf", "refactor", "test", "docs", "build", "ci", "style", "revert")
SUBJECT = re.compile(rf"(?:{'|'.join(TYPES)})(?:\([a-z][a-z0-9-]*\))?!?: [A-Z].*[^.\s]")
WRITTEN_BY_GIT = ("Merge ", 'Revert "', "fixup! ", "squash! ", "amend! ")
MOST_CHARACTERS = 100


def problem_of(message: str) -> str | None:
    """What is wrong with a message, as a sentence; None where nothing is."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if subject.startswith(WRITTEN_BY_GIT):
        return None
    if not SUBJECT.fullmatch(subject):
        return (
            f"'{subject}' is not 'type(room): Subject'. The types are {', '.join(TYPES)}; the "
            "subject begins with a capital letter and has no full stop, as in "
            "'feat(limits): Count requests per team'."
        )
    if len(subject) > MOST_CHARACTERS:
        return f"The subject has {len(subject)} characters; at most {MOST_CHARACTERS} fit."
    if len(lines) > 1 and lines[1]:
        return "An empty line belongs between the subject and the body."
    return None


def main() -> int:
    """Check the file that git names; 1 where it is refused."""
    problem = problem_of(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if problem is not None:
        print(problem)
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
