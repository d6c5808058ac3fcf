"""The provider's whole answers: nginx with bodies in its configuration, plain and by TLS."""

from pathlib import Path
from typing import Final

import trustme

from bench.bodies import answer_of
from bench.cases import provider_paths
from bench.place import Upstreams

# Requests of one connection and its idle time are without bound, so that no candidate is measured
# while it reconnects. Bodies are discarded, whatever their size.
COMMON: Final = """
    access_log off;
    client_max_body_size 4m;
    client_body_buffer_size 512k;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    types {{ }}
    client_body_temp_path {room}/body;
    proxy_temp_path {room}/proxy;
    fastcgi_temp_path {room}/fastcgi;
    uwsgi_temp_path {room}/uwsgi;
    scgi_temp_path {room}/scgi;
"""
MAIN: Final = """
worker_processes 1;
worker_rlimit_nofile 8192;
daemon off;
pid {room}/nginx.pid;
error_log {room}/error.log error;
events {{ worker_connections 4096; }}
"""


def write_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 in the folder; returns the file of the authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(folder / "provider.key")
    for number, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(folder / "provider.pem", append=number > 0)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return folder / "authority.pem"


def configuration(room: Path, upstreams: Upstreams) -> str:
    """The provider's nginx.conf: answers on two ports, and TLS before the sender of streams."""
    answers = "\n".join(
        f"location = {path} {{ default_type application/json; add_header x-request-id req_bench; "
        f"return 200 '{_literal(answer_of(operation))}'; }}"
        for path, operation in provider_paths(stream=False).items()
    )
    tls = f"ssl_certificate {room}/provider.pem; ssl_certificate_key {room}/provider.key;"
    return f"""{MAIN.format(room=room)}
http {{
    {COMMON.format(room=room)}
    upstream streams {{ server 127.0.0.1:{upstreams.streams}; keepalive 1024; }}
    server {{ listen 127.0.0.1:{upstreams.calls} backlog=2048; {answers} }}
    server {{ listen 127.0.0.1:{upstreams.calls_tls} ssl backlog=2048; {tls} {answers} }}
    server {{
        listen 127.0.0.1:{upstreams.streams_tls} ssl backlog=2048; {tls}
        location / {{
            proxy_pass http://streams; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def _literal(body: bytes) -> str:
    """A body inside single quotes; nginx would take a dollar sign for a variable."""
    text = body.decode()
    if "'" in text or "$" in text or "\\" in text:
        raise ValueError("the recorded body has characters that nginx.conf cannot hold")
    return text
