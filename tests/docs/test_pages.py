"""What two places say is the same, and no link leads nowhere."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import build_cli_docs, build_environment_docs, build_provider_docs

from trunkline.cli.exits import Exit
from trunkline.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "trunkline"
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"))
    if page.is_file()
)
ROOM_READMES = sorted(SOURCE.glob("*/README.md"))


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *ROOM_READMES], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        path, _, anchor = link.partition("#")
        if path.startswith("http"):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_the_page_of_commands_is_current() -> None:
    assert read(ROOT / "docs" / "cli.md") == build_cli_docs.page()


def test_the_page_of_commands_has_every_command_and_every_exit_code() -> None:
    page = read(ROOT / "docs" / "cli.md")
    assert [name for name in COMMANDS if f"## `trunkline {name}`\n" not in page] == []
    assert [code for code in Exit if f"| {code.value} | " not in page] == []


def test_the_pages_of_settings_are_current() -> None:
    assert read(ROOT / "docs" / "environment.md") == build_environment_docs.environment_page()
    assert read(ROOT / ".env.example") == build_environment_docs.example_file()


def test_the_page_of_providers_is_current() -> None:
    page = read(ROOT / "docs" / "providers.md")
    assert page == build_provider_docs.page(page)


@pytest.mark.parametrize(("heading", "group"), [("At run time", None), ("For development", "dev")])
def test_every_dependency_has_its_reason(heading: str, group: str | None) -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    declared = project["dependency-groups"][group] if group else project["project"]["dependencies"]
    section = read(ROOT / "docs" / "dependencies.md").partition(f"## {heading}\n")[2]
    rows = re.findall(r"^\| `([^`]+)` \| (\S.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    names = sorted(canonicalize_name(Requirement(text).name) for text in declared)
    assert sorted(name for name, _ in rows) == names


def test_the_architecture_names_only_files_that_exist() -> None:
    page = read(ROOT / "docs" / "architecture.md")
    named = re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9.]+)*(?:\.py|\.md|/))`", page)
    roots = (SOURCE, ROOT)
    assert len(named) > 60
    # Each feature and each wire may have these, so they are no path.
    everywhere = {"adapter.py", "endpoints.py", "schemas.py", "passing.py", "codec.py"}
    named = [name for name in named if name not in everywhere]
    assert sorted({n for n in named if not any((root / n).exists() for root in roots)}) == []


def test_the_architecture_places_every_room() -> None:
    page = read(ROOT / "docs" / "architecture.md")
    rooms = {
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in SOURCE.iterdir()
        if not entry.name.startswith("__") and entry.suffix in {"", ".py"}
    }
    table = page.partition("## Rooms\n")[2].partition("\n## ")[0]
    assert sorted(room for room in rooms if f"`{room}`" not in table) == []


def test_the_index_lists_every_page() -> None:
    folder = ROOT / "docs"
    index = read(folder / "README.md")
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    assert sorted(page for page in pages if f"]({page})" not in index) == []


def test_the_make_targets_of_the_contributing_page_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", read(ROOT / "CONTRIBUTING.md")))
    assert named != set()
    assert sorted(named - targets) == []
