"""No gateway at all: what load and provider can do on their core by themselves."""

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.headers import for_provider
from bench.cases import PATHS, Case
from bench.load.measured import Call
from bench.place import Site
from bench.processes import Unable


def _prepare(site: Site, _say: Say) -> Launch:
    def call(case: Case) -> Call:
        if case.stream and case.operation.tls:
            raise Unable("the client of streams speaks no TLS")
        ports, tls = site.upstreams, case.operation.tls
        plain = ports.streams if case.stream else ports.calls
        return Call(
            host="127.0.0.1",
            port=ports.calls_tls if tls else plain,
            path=PATHS[case.operation.wire],
            headers=for_provider(case.operation.wire),
            tls=tls,
        )

    return Launch(command=None, call=call, note="No gateway: load and provider share one core.")


DIRECT = Candidate("direct", "default", _prepare)
