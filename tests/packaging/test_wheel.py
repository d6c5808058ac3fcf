"""The wheel installs and runs elsewhere."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from tests.docs.demo import PATH, running_demo

import trunkline

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "trunkline"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command of an installation that sees the locked dependencies and not our sources."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(home, with_pip=False)
    (ours,) = home.glob("lib/python*/site-packages")
    (locked,) = Path(sys.prefix).glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*install, "--python", str(home / "bin" / "python"), str(wheel)], check=True)
    # Path files below a path that a path file names are not read, so our sources are not seen.
    (ours / "locked.pth").write_text(f"{locked}\n")
    return str(home / "bin" / "trunkline")


def test_the_wheel_contains_what_the_product_reads_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("trunkline/") for name in archive.namelist()}
    needed = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {"py.typed", "storage/migrations/script.py.mako"} <= needed
    assert any(name.startswith("catalog/bundled/") for name in needed)
    assert sorted(needed - packed) == []


def test_the_wheel_contains_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"trunkline", f"trunkline-{trunkline.__version__}.dist-info"}


def test_the_installed_command_is_not_that_of_the_sources(command: str, tmp_path: Path) -> None:
    python = str(Path(command).parent / "python")
    script = "import trunkline; print(trunkline.__file__)"
    done = subprocess.run(
        [python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout).is_relative_to(Path(command).parent.parent)


def test_the_installed_command_tells_its_version(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [command, "--version"],
        cwd=tmp_path,
        env={"PATH": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"trunkline {trunkline.__version__}\n"


def test_the_installed_demo_serves_from_another_directory(command: str, tmp_path: Path) -> None:
    with running_demo(tmp_path / "data", command=(command,), cwd=tmp_path) as demo:
        done = subprocess.run(
            ["bash", "-c", demo.curl],
            env=demo.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert '"chat.completion"' in done.stdout
