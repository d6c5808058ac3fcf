"""All candidates in the order of the table."""

from typing import Final

from bench.candidates.bare import BARE
from bench.candidates.contract import Candidate
from bench.candidates.direct import DIRECT
from bench.candidates.full import FULL
from bench.candidates.litellm import LITELLM
from bench.candidates.nginx import NGINX
from bench.candidates.portkey import PORTKEY
from bench.machine import CannotMeasure

ALL: Final = (DIRECT, NGINX, BARE, FULL, LITELLM, PORTKEY)


def pick(only: str | None) -> list[Candidate]:
    """The candidates of a comma-separated list of their handles; all without one.

    Raises:
        CannotMeasure: a handle is nobody's.
    """
    if only is None:
        return list(ALL)
    known = {candidate.handle: candidate for candidate in ALL}
    wanted = [handle.strip() for handle in only.split(",")]
    if unknown := [handle for handle in wanted if handle not in known]:
        raise CannotMeasure(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[handle] for handle in wanted]
