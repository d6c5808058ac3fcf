"""nginx as a plain reverse proxy: the limit of what a proxy can do on this machine."""

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.headers import for_provider
from bench.cases import PATHS, Case
from bench.load.measured import Call
from bench.place import Site, free_ports
from bench.processes import find_program
from bench.provider.nginx import COMMON, MAIN


def _prepare(site: Site, _say: Say) -> Launch:
    program = find_program("nginx", "nginx-light")
    room = site.room("nginx")
    origins = site.upstreams.all_origins()
    ports = dict(zip(origins, free_ports(len(origins)), strict=True))
    parts = [
        _server(position, ports[key], origin, str(site.ca_file))
        for position, (key, origin) in enumerate(origins.items())
    ]
    http = f"http {{ {COMMON.format(room=room)} {''.join(parts)} }}\n"
    (room / "nginx.conf").write_text(MAIN.format(room=room) + http)

    def call(case: Case) -> Call:
        wire = case.operation.wire
        port = ports[case.stream, case.operation.tls]
        return Call("127.0.0.1", port, PATHS[wire], for_provider(wire))

    return Launch(
        command=(program, "-p", str(room), "-c", str(room / "nginx.conf")),
        call=call,
        children_only=True,
        note="One worker, kept-alive connections to the provider, no buffering of answers.",
    )


def _server(position: int, port: int, origin: str, ca_file: str) -> str:
    scheme, _, address = origin.partition("://")
    return f"""
    upstream provider{position} {{
        server {address}; keepalive 1024; keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{
            proxy_pass {scheme}://provider{position}; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_buffering off;
            proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca_file};
            proxy_ssl_name localhost;
        }}
    }}
"""


NGINX = Candidate("nginx", "default", _prepare)
