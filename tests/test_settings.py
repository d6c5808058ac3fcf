"""The environment becomes settings, or a sentence for each option that is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.build_environment_docs import environment_page, example_file

from trunkline.settings import (
    GROUPS,
    Problem,
    Settings,
    SettingsError,
    load_settings,
    read_variable,
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in Settings.model_fields.values():
        for name in field.validation_alias.choices:  # type: ignore[union-attr] # checked by _also
            monkeypatch.delenv(str(name), raising=False)
    monkeypatch.chdir(tmp_path)


def refused(**overrides: object) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, **overrides)
    return caught.value.problems


def test_without_anything_set_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.env, settings.host, settings.port) == ("development", "127.0.0.1", 3000)
    assert settings.roles == ("gateway", "control", "worker")
    assert settings.database_url is None


def test_our_own_name_wins_over_the_name_that_deployments_already_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "4000")
    assert load_settings(None).port == 4000
    monkeypatch.setenv("TRUNKLINE_PORT", "4100")
    assert load_settings(None).port == 4100


def test_the_environment_wins_over_the_file_and_overrides_win_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TRUNKLINE_PORT=4200\nTRUNKLINE_HOST=::1\n")
    assert (load_settings().port, load_settings().host) == (4200, "::1")
    monkeypatch.setenv("TRUNKLINE_PORT", "4300")
    assert load_settings().port == 4300
    assert load_settings(port=0, host=None).port == 0
    assert load_settings(port=0, host=None).host == "::1"


def test_an_empty_value_means_that_the_option_is_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TRUNKLINE_PORT=\nTRUNKLINE_JWT_SECRET=\n")
    monkeypatch.setenv("DATABASE_URL", "")
    settings = load_settings()
    assert (settings.port, settings.jwt_secret, settings.database_url) == (3000, None, None)


def test_lists_are_split_at_commas_and_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_ALLOWED_NETWORKS", "127.0.0.0/8, fd00::/8,")
    assert load_settings(None).allowed_networks == ("127.0.0.0/8", "fd00::/8")


def test_an_unknown_name_of_ours_is_refused_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TRUNKLINE_PROT=1\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("TRUNKLINE_ZZZZ_QQQQ", "1")
    monkeypatch.setenv("LLM_CACHE_ENABLED", "true")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.problems == (
        Problem("TRUNKLINE_PROT", "unknown option; did you mean TRUNKLINE_PORT?"),
        Problem("TRUNKLINE_ZZZZ_QQQQ", "unknown option; no option has a name like it"),
    )
    assert caught.value.code == "invalid_settings"


def test_every_bad_option_is_named_as_it_was_set_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "0")
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@host/name")
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    monkeypatch.setenv("TRUNKLINE_KEY_PEPPER", "hunter2")
    monkeypatch.setenv("REDIS_URL", "hunter2://")
    monkeypatch.setenv("TRUNKLINE_PORT", "many")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert {problem.name: problem.sentence for problem in caught.value.problems} == {
        "DB_POOL_SIZE": "Input should be greater than or equal to 1",
        "DATABASE_URL": "must begin with postgresql://, such as postgresql://user@host/name",
        "JWT_SECRET": "has 7 characters and needs at least 64; make one with: openssl rand -hex 64",
        "TRUNKLINE_KEY_PEPPER": "has 7 characters and needs at least 32; make one with: "
        "openssl rand -hex 32",
        "REDIS_URL": "must begin with redis://, such as redis://host:6379/0",
        "TRUNKLINE_PORT": "Input should be a valid integer, unable to parse string as an integer",
    }
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        (
            "roles",
            "gateway,cook",
            Problem(
                "TRUNKLINE_ROLES",
                "cook is not a list of roles; the roles are gateway, control, worker",
            ),
        ),
        (
            "roles",
            (),
            Problem(
                "TRUNKLINE_ROLES",
                "an empty list is not a list of roles; the roles are gateway, control, worker",
            ),
        ),
        (
            "allowed_networks",
            "10.0.0.1/8",
            Problem(
                "TRUNKLINE_ALLOWED_NETWORKS",
                "10.0.0.1/8 has host bits set; write it as 10.0.0.0/8 or fd00::/8",
            ),
        ),
        (
            "public_url",
            "llm.example.com",
            Problem(
                "TRUNKLINE_PUBLIC_URL",
                "must begin with https://, such as https://llm.example.com",
            ),
        ),
        (
            "otlp_endpoint",
            "grpc://collector:4317",
            Problem(
                "TRUNKLINE_OTLP_ENDPOINT", "must begin with http://, such as http://127.0.0.1:4318"
            ),
        ),
        (
            "tls_certificate",
            Path("chain.pem"),
            Problem(
                "TRUNKLINE_TLS_KEY",
                "TLS needs both a certificate and its key; only one of them is set",
            ),
        ),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_anything_starts(
    field: str, value: object, problem: Problem
) -> None:
    assert refused(**{field: value}) == (problem,)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h/n",
        "postgres://u@h/n",
        "postgresql+asyncpg://u@h/n",
    ],
)
def test_the_databases_that_we_speak_are_accepted(url: str) -> None:
    loaded = load_settings(None, database_url=url).database_url
    assert loaded is not None
    assert loaded.get_secret_value() == url


def test_secrets_do_not_show_in_the_representation() -> None:
    settings = load_settings(None, jwt_secret="j" * 64, key_pepper="p" * 32)
    assert "jjj" not in repr(settings)
    assert "ppp" not in repr(settings)


def test_any_variable_can_be_read_for_a_reference_to_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("ACME_KEY=from the file\nOTHER_KEY=from the file\n")
    monkeypatch.setenv("ACME_KEY", "from the environment")
    assert read_variable("ACME_KEY") == "from the environment"
    assert read_variable("OTHER_KEY") == "from the file"
    assert read_variable("NO_SUCH_KEY") is None


def test_an_override_that_is_no_option_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="no option is called prot"):
        load_settings(None, prot=1)


@given(st.text(max_size=40))
def test_no_port_makes_anything_but_settings_or_a_refusal(port: str) -> None:
    try:
        loaded = load_settings(None, port=port).port
    except SettingsError as error:
        loaded, problems = 0, [problem.name for problem in error.problems]
    else:
        problems = ["TRUNKLINE_PORT"]
    assert 0 <= loaded <= 65535
    assert problems == ["TRUNKLINE_PORT"]


def test_each_option_has_a_sentence_and_belongs_to_exactly_one_group() -> None:
    grouped = [name for group in GROUPS for name in vars(group)["__annotations__"]]
    assert sorted(grouped) == sorted(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert (field.description or "").endswith("."), name


def test_the_generated_documents_are_current() -> None:
    assert (ROOT / ".env.example").read_text() == example_file()
    assert (ROOT / "docs" / "environment.md").read_text() == environment_page()
