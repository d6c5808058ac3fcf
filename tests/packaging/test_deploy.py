"""What stands in deploy/ is checked as far as it can be without the machines that it is for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
NGINX = Path("/usr/sbin/nginx")


def instructions() -> list[tuple[str, str]]:
    """Instruction and argument of each line of the Dockerfile, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, " ".join(rest.split())) for word, _, rest in (li.partition(" ") for li in lines)]


def final_stage() -> list[tuple[str, str]]:
    steps = instructions()
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    return steps[last:]


def test_the_image_has_two_stages_on_a_base_that_is_pinned_to_a_release() -> None:
    bases = [argument for word, argument in instructions() if word == "FROM"]
    assert bases == ["python:${PYTHON} AS build", "python:${PYTHON}"]
    (default,) = [argument for word, argument in instructions() if word == "ARG"]
    assert re.fullmatch(r"PYTHON=3\.1[1-3]\.\d+-slim-\w+", default)


def test_the_image_runs_as_a_user_without_rights_and_has_a_health_check() -> None:
    stage = dict(final_stage())
    assert stage["USER"] == "10001"
    assert "/health/ready" in stage["HEALTHCHECK"]
    assert stage["STOPSIGNAL"] == "SIGTERM"
    assert (stage["ENTRYPOINT"], stage["CMD"]) == ('["trunkline"]', '["serve"]')
    words = [word for word, _ in final_stage()]
    assert "RUN" not in words[words.index("USER") :]


def test_everything_in_the_image_is_locked_by_hashes() -> None:
    runs = " && ".join(argument for word, argument in instructions() if word == "RUN")
    installs = [command for command in runs.split("&&") if "pip install" in command]
    assert len(installs) == 3
    assert [i for i in installs if "--require-hashes" not in i and "--no-index" not in i] == []


def test_the_image_copies_only_what_git_tracks_and_holds_no_secret() -> None:
    sources: list[str] = []
    for word, argument in instructions():
        if word == "COPY" and not argument.startswith("--from"):
            sources += argument.split()[:-1]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sorted(line[1:] for line in kept if line.startswith("!")) == sorted(sources)
    variables = " ".join(argument for word, argument in instructions() if word in {"ENV", "ARG"})
    assert re.findall(r"(?i)secret|password|api_key|token|pepper", variables) == []


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "trunkline.service").read_text(encoding="utf-8")
    unit = tmp_path / "trunkline.service"
    unit.write_text(text.replace("/opt/trunkline/bin/trunkline", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        [verify, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if "trunkline" in line]
    assert (done.returncode, about_it) == (0, [])


def test_the_unit_lets_the_front_drain_before_its_worker_ends() -> None:
    text = (DEPLOY / "trunkline.service").read_text(encoding="utf-8")
    options = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert options["KillMode"] == "mixed"
    # Notice and deadline of the front, and the patience with the worker, by default.
    assert int(options["TimeoutStopSec"]) >= 5 + 60 + 30
    assert options["User"] == "trunkline"
    assert options["NoNewPrivileges"] == "yes"


def test_the_site_is_one_that_nginx_understands(tmp_path: Path) -> None:
    if not NGINX.exists():
        pytest.skip("nginx is not installed")
    certificate = trustme.CA().issue_cert("llm.example.com")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    site = re.sub(r"ssl_certificate /.*;", f"ssl_certificate {tmp_path}/chain.pem;", site)
    site = re.sub(r"ssl_certificate_key /.*;", f"ssl_certificate_key {tmp_path}/key.pem;", site)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off;\n{site}\n}}"
    )
    done = subprocess.run(
        [str(NGINX), "-t", "-p", str(tmp_path), "-c", str(whole)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "proxy_buffering off;" in site
    assert "proxy_next_upstream off;" in site


def test_the_composition_runs_the_image_without_rights_and_keeps_its_data() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    front = services["trunkline"]
    assert (front["read_only"], front["cap_drop"]) == (True, ["ALL"])
    assert front["volumes"] == ["trunkline:/var/lib/trunkline"]
    assert front["ports"] == ["127.0.0.1:3000:3000"]
    assert "environment" not in front
    assert ":" in services["postgres"]["image"]
