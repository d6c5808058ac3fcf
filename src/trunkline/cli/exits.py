"""Exit codes of every command; they are documented and never change their meaning."""

from enum import IntEnum

from trunkline.errors import (
    Forbidden,
    MethodNotAllowed,
    NotFound,
    TrunklineError,
    Unauthenticated,
)


class Exit(IntEnum):
    """What a command says to the program that called it."""

    OK = 0  # Done.
    FAILED = 1  # A defect, or a check that found something.
    USAGE = 2  # The arguments cannot be understood.
    NOT_FOUND = 3  # What the arguments name does not exist.
    REFUSED = 4  # A value breaks a rule, or contradicts what is there.
    UNAVAILABLE = 5  # The database or a server does not answer; trying again may help.
    FORBIDDEN = 6  # The credential is missing, unknown or may not do this.
    INTERRUPTED = 130  # Ended by Ctrl+C.


def exit_for(error: TrunklineError) -> Exit:
    """The exit code of an error of ours."""
    if isinstance(error, NotFound | MethodNotAllowed):
        return Exit.NOT_FOUND
    if isinstance(error, Unauthenticated | Forbidden):
        return Exit.FORBIDDEN
    if error.status in {408, 429} or error.status >= 502:
        return Exit.UNAVAILABLE
    return Exit.REFUSED if error.status < 500 else Exit.FAILED
