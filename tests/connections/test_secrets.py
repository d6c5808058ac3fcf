"""References to secrets."""

from pathlib import Path

import pytest

from trunkline.connections.secrets import MAX_SECRET_BYTES, Secrets, check_reference

VARIABLES = {"GOOD": " sk-1\n", "EMPTY": "", "BLANK": "  ", "SPLIT": "a\r\nx-evil: 1", "UML": "ü"}
SECRETS = Secrets(VARIABLES.get)


async def test_a_variable_is_read_without_the_space_around_it() -> None:
    assert await SECRETS.resolve("env:GOOD") == "sk-1"


async def test_a_file_is_read_again_at_each_look(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("first\n")
    assert await SECRETS.resolve(f"file:{path}") == "first"
    path.write_text("second")
    assert await SECRETS.resolve(f"file:{path}") == "second"


@pytest.mark.parametrize("name", ["EMPTY", "BLANK", "SPLIT", "UML", "MISSING"])
async def test_a_secret_that_no_header_can_carry_is_refused_without_telling_it(name: str) -> None:
    with pytest.raises(ValueError, match=r"empty|characters|environment") as caught:
        await SECRETS.resolve(f"env:{name}")
    assert "evil" not in str(caught.value)


async def test_a_file_that_is_missing_or_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        await SECRETS.resolve(f"file:{tmp_path}/none")
    long = tmp_path / "long"
    long.write_text("x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(ValueError, match="longer than"):
        await SECRETS.resolve(f"file:{long}")


@pytest.mark.parametrize(
    "reference", ["sk-secret", "env:", "env:A B", "env:1A", "file:relative", "file:", "vault:x", ""]
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="never as the secret itself"):
        check_reference(reference)


async def test_a_json_object_may_be_a_secret_and_may_have_lines(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text('{\n  "type": "service_account"\n}\n')
    assert await SECRETS.resolve(f"file:{path}") == '{\n  "type": "service_account"\n}'
