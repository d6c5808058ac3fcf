"""LangChain, Pydantic AI and llm, set up as their users would, each in an environment of its own.

Their releases want other releases of the SDKs than the tests do, so they are downloaded, and only
where TRUNKLINE_FRAMEWORKS=1 asks for it (``make conformance-frameworks``).
"""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench
from tests.conformance.matrix.conftest import bench, simulator
from tests.conformance.matrix.vectors import TEXTS, expected_vectors
from tests.drills.clients.packages import Package, install

__all__ = ["bench", "simulator"]

# The conformance run's own switch and cache, which are no settings of the product.
WANTED = os.environ.get("TRUNKLINE_FRAMEWORKS") == "1"  # noqa: TID251 - see above
CACHE = Path(
    os.environ.get(  # noqa: TID251 - see above
        "TRUNKLINE_FRAMEWORKS_CACHE", str(Path(tempfile.gettempdir()) / "trunkline-frameworks")
    )
)
PROGRAMS = Path(__file__).parent
PROVIDERS = ("openai_chat", "anthropic_messages", "gemini")
PATIENCE = 90.0

LANGCHAIN = Package("PyPI", "langchain-openai", "1.7.3", "python")
PYDANTIC_AI = Package("PyPI", "pydantic-ai-slim[openai,anthropic,google]", "2.68.0", "python")
LLM = Package("PyPI", "llm", "0.36", "llm")

pytestmark = [
    pytest.mark.skipif(not WANTED, reason="TRUNKLINE_FRAMEWORKS=1 downloads the frameworks"),
    pytest.mark.timeout(900),
    pytest.mark.slow,
]

TOLD = {
    "text": asked.SAID,
    "counted": True,
    "streamed": asked.SAID,
    "pieces": True,
    "tools": {"call": [asked.TOOL, dict(asked.CITY)], "answered": True},
    "structured": True,
}

# What `llm` reads its own models from.
LLM_MODEL = """- model_id: ours
  model_name: {model}
  api_base: {url}/v1
  api_key_name: trunkline
  supports_tools: true
  supports_schema: true
"""
LLM_TOOL = '''def get_weather(city: str, unit: str) -> str:
    """Tell the weather of a place."""
    return f"[[say 17 degrees {unit} in {city}.]]"
'''


async def output_of(*command: str | Path, given: Any = None, home: Path | None = None) -> str:
    """What a program prints, which must end well."""
    settings = {"LLM_USER_PATH": str(home)} if home else {}
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **settings},  # noqa: TID251 - a program of a user has their settings
    )
    body = b"" if given is None else json.dumps(given).encode()
    try:
        async with asyncio.timeout(PATIENCE):
            printed, complained = await child.communicate(body)
    except TimeoutError:
        child.kill()
        await child.wait()
        raise
    assert child.returncode == 0, complained.decode()
    return printed.decode()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_langchain_programs_run_unchanged(bench: Bench, provider: str) -> None:
    python = await install(LANGCHAIN, CACHE)
    printed = await output_of(
        python,
        PROGRAMS / "langchain_program.py",
        f"{bench.url}/v1",
        bench.key,
        bench.model(provider),
        bench.model("gemini_embeddings", "sim-embed"),
        given={"question": asked.QUESTION, "calling": asked.CALLING, "texts": TEXTS},
    )
    assert json.loads(printed) == {**TOLD, "vectors": expected_vectors(TEXTS)}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("api", ["chat", "responses", "anthropic", "google"])
async def test_pydantic_ai_programs_run_unchanged(bench: Bench, api: str, provider: str) -> None:
    python = await install(PYDANTIC_AI, CACHE)
    printed = await output_of(
        python,
        PROGRAMS / "pydantic_ai_program.py",
        bench.url,
        bench.key,
        api,
        bench.model(provider),
        given={"question": asked.QUESTION, "calling": asked.CALLING},
    )
    assert json.loads(printed) == TOLD
    calls = await bench.calls(provider, 5)
    assert [made.seen.tool_results for made in calls].count(True) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_llm_is_configured_and_used_unchanged(
    bench: Bench, provider: str, tmp_path: Path
) -> None:
    program = await install(LLM, CACHE)
    models = LLM_MODEL.format(model=bench.model(provider), url=bench.url)
    await asyncio.to_thread((tmp_path / "extra-openai-models.yaml").write_text, models)

    async def said(*arguments: str) -> str:
        return (await output_of(program, "-m", "ours", *arguments, home=tmp_path)).strip()

    await output_of(program, "keys", "set", "trunkline", "--value", bench.key, home=tmp_path)
    assert await said(asked.QUESTION) == asked.SAID
    assert await said("--no-stream", asked.QUESTION) == asked.SAID
    placed = await said("--schema", "city str, inhabitants int", "Where?")
    assert asked.is_place(json.loads(placed))
    called = await said("--functions", LLM_TOOL, asked.CALLING)
    assert called.endswith("17 degrees celsius in Montréal.")
    await bench.calls(provider, 5)
