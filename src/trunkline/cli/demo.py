"""``trunkline demo``: everything with simulated providers, ready for the first call."""

import json
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.output import fail
from trunkline.errors import TrunklineError

if TYPE_CHECKING:
    from trunkline.settings import Settings

KEY_FILE = "demo.key"
DEMO_FILE = "demo.json"
LOG_FILE = "trunkline.log"


def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
) -> None:
    """Serve a demo organisation with simulated providers until Ctrl+C.

    Prints the address, a key and a curl line, and writes address and key to demo.json in the
    data directory, with the address of the simulated providers. Logs go to trunkline.log there.
    """
    from trunkline.demo.configuration import LLAMA
    from trunkline.settings import load_settings

    settings = load_settings(host=host, port=port, data_dir=data)
    changes: dict[str, Any] = {"allowed_networks": (*settings.allowed_networks, "127.0.0.0/8")}
    if "shutdown_notice" not in settings.model_fields_set:
        # There is no load balancer to give notice to, only somebody who waits for the prompt.
        changes["shutdown_notice"] = 0.0
    if settings.default_model is None:
        changes["default_model"] = LLAMA
    settings = settings.model_copy(update=changes)
    try:
        _run(settings)
    except TrunklineError as error:
        sys.exit(fail(error, as_json=False))


def _run(settings: "Settings") -> None:
    import uvloop

    from trunkline.cli.demo_parts import serve_demo

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _key(settings.data_dir / KEY_FILE)
    simulator_port = _free_port()
    log = os.open(settings.data_dir / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        uvloop.run(
            serve_demo(
                settings,
                key=key,
                key_file=(settings.data_dir / KEY_FILE).resolve(),
                simulator_port=simulator_port,
                log_fd=log,
                announce=lambda port: _announce(settings, port, key, simulator_port),
            )
        )
    finally:
        os.close(log)


def _key(path: Path) -> str:
    """The demo's key, made at the first start and the same ever after."""
    from trunkline.identity.secret import generate_key

    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(generate_key().full)
    return path.read_text().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _announce(settings: "Settings", port: int, key: str, simulator_port: int) -> None:
    from rich.console import Console

    base_url = f"http://{settings.host}:{port}"
    demo_file = settings.data_dir / DEMO_FILE
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    told = {"base_url": base_url, "api_key": key, "simulator_url": simulator_url}
    demo_file.write_text(json.dumps(told) + "\n")
    demo_file.chmod(0o600)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]Trunkline is serving at[/bold] {base_url}")
    console.print(f"  key      {key}")
    console.print("  OpenAI   base_url " + base_url + "/v1")
    console.print("  others   the key works with the SDKs of Anthropic, Gemini, Ollama, Cohere and")
    console.print("           Mistral, too, for any model; docs/sdks.md has their base URLs")
    # Whoever started the demo with make has no such command on the path, and other commands know
    # of another data directory only by the environment.
    command = f"DATA={shlex.quote(str(settings.data_dir))} {shlex.quote(sys.argv[0])}"
    console.print(f"  usage    {command} usage", markup=False)
    console.print(f"  health   {base_url}/health/ready")
    console.print(f"  log      {settings.data_dir / LOG_FILE}")
    console.print(f"  faults   {simulator_url}, the simulated providers: docs/simulator.md")
    console.print(f"  JSON     {demo_file}, with the addresses and the key")
    console.print("\n[bold]Try it:[/bold]")
    # Printed as plain text, so that it can be copied as it stands.
    typer.echo(
        f"curl {base_url}/v1/chat/completions -H 'authorization: Bearer {key}' "
        "-H 'content-type: application/json' -d "
        '\'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}\''
    )
    sys.stdout.flush()
