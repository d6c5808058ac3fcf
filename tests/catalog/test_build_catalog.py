"""The bundled files are what the build script makes of the installed genai-prices."""

from importlib.metadata import version

from scripts.build_catalog import BUNDLED, compiled, encoded


def test_the_bundled_files_are_what_the_script_makes_of_the_installed_prices() -> None:
    made = {f"{provider}.json": encoded(file) for provider, file in compiled().items()}
    kept = {
        path.name: path.read_bytes()
        for path in BUNDLED.glob("*.json")
        if path.name != "capabilities.json"
    }
    assert sorted(made) == sorted(kept)
    stale = [name for name in made if made[name] != kept[name]]
    assert stale == [], "run scripts/build_catalog.py and review the diff"


def test_the_source_says_which_version_of_the_prices_it_is() -> None:
    sources = {file.source for file in compiled().values()}
    assert sources == {f"genai-prices-{version('genai-prices')}"}


def test_a_file_has_one_line_for_each_model_so_that_its_diffs_can_be_read() -> None:
    file = compiled()["deepseek"]
    assert encoded(file).count(b"\n") == len(file.models) + 2
