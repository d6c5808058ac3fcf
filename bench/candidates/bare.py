"""Trunkline's data path alone, with adapters that do nothing behind its ports."""

import sys

import msgspec

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.headers import for_provider
from bench.cases import PATHS, Case
from bench.load.measured import Call
from bench.place import ROOT, Site, free_ports

BARE_KEY = "bench-bare"


def _prepare(site: Site, _say: Say) -> Launch:
    (port,) = free_ports(1)
    upstreams = msgspec.json.encode(site.upstreams).decode()

    def call(case: Case) -> Call:
        wire = case.operation.wire
        return Call("127.0.0.1", port, PATHS[wire], for_provider(wire, BARE_KEY))

    return Launch(
        command=(
            sys.executable, "-m", "bench.candidates.bare_server",
            str(port), str(site.ca_file), upstreams, BARE_KEY,
        ),
        environment={"PYTHONPATH": str(ROOT)},
        call=call,
        note="Server, pipeline, transport and relay; one key, no limits, "
        "no money, no records, no log, no metrics.",
    )  # fmt: skip


BARE = Candidate("trunkline", "bare", _prepare)
