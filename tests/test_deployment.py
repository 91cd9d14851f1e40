"""The files under deploy/ say what this version understands, and nothing that is unsafe."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from nightlatch.cli.main import command
from nightlatch.cli.production import server_findings
from nightlatch.server.config import Config, load

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
KEY = "a-key-for-tests-alone-of-forty-eight-characters-"
FILLED = {
    "DATABASE_PASSWORD": "secret",
    "BASE_URL": "https://auth.example.com",
    "SECRET_KEYS": KEY,
    "TRUSTED_PROXIES": "172.16.0.0/12",
    "SMTP_HOST": "smtp.example.com",
}


def manifests() -> dict[str, Any]:
    """Return the Kubernetes objects by their kind, the example of a secret among them."""
    files = [*sorted((DEPLOY / "kubernetes").iterdir()), DEPLOY / "kubernetes-secret.example.yaml"]
    return {each["kind"]: each for file in files for each in yaml.safe_load_all(file.read_text())}


def containers() -> list[dict[str, Any]]:
    """Return every container of the deployment."""
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


def understood(words: list[str]) -> bool:
    """Tell whether the command line knows a command and each of its options."""
    return CliRunner().invoke(command, [*words, "--help"]).exit_code == 0


def test_kubernetes_settings_are_known(tmp_path: Path) -> None:
    """The file and the secret together are a configuration; only what the doctor is told to accept is wrong with it."""
    found = manifests()
    file = tmp_path / "nightlatch.toml"
    file.write_text(found["ConfigMap"]["data"]["nightlatch.toml"])
    secret = {**found["Secret"]["stringData"], "NIGHTLATCH_SECRET_KEYS": KEY}
    config = load(file, environment=secret, given={"data": str(tmp_path)})
    assert config.settings.redis.url is not None
    assert unsafe(config) <= {"management_bind", "user"}
    (doctor,) = [each["args"] for each in containers() if each["name"] == "doctor"]
    assert doctor[doctor.index("--production") :] == ["--production", "--accept", "management_bind"]


def unsafe(config: Config) -> set[str]:
    """Return what the doctor finds wrong with how a server runs; `user` depends on who runs this test."""
    return {each["what"] for each in server_findings(config) if each["verdict"] == "wrong"}


def test_kubernetes_objects_fit_together() -> None:
    """Selectors match labels, ports and volumes are there, commands are understood."""
    found = manifests()
    template = found["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        spec = found[kind]["spec"]
        assert spec["selector" if kind == "PodDisruptionBudget" else "podSelector"]["matchLabels"] == labels
    volumes = {each["name"] for each in template["spec"]["volumes"]}
    served = [each for each in containers() if "ports" in each]
    ports = {each["name"] for container in served for each in container["ports"]}
    for each in containers():
        assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
        assert understood(each["args"]), each["args"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert served[0][name]["httpGet"]["port"] in ports
    rules = found["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == ports == {"http", "management"}
    assert all(rule["from"] for rule in rules), "an empty list is everybody"


def test_kubernetes_containers_may_do_nothing_besides() -> None:
    """Not root, no capability, nothing to write to but its volumes, no token of the cluster's."""
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    for each in containers():
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_compose_settings_are_known(tmp_path: Path) -> None:
    """With the variables that it asks for it is a configuration; the database is reached by nobody outside."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    asked = {name: filled(str(value)) for name, value in services["nightlatch"]["environment"].items()}
    config = load(environment={**image(), **asked}, given={"data": str(tmp_path)})
    assert unsafe(config) <= {"user"}
    assert (config.port, config.management_port, config.management_bind) == (8000, 9100, "127.0.0.1")
    assert services["nightlatch"]["ports"] == ["127.0.0.1:8000:8000"]
    for name in ("database", "counters"):
        assert "ports" not in services[name]
        assert services[name]["networks"] == ["inside"]


def filled(text: str) -> str:
    """Fill a variable in as compose does."""
    return re.sub(r"\$\{(\w+)(?:(?::\?|:-)[^}]*)?\}", lambda found: FILLED.get(found[1], ""), text)


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").strip().splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def image() -> dict[str, str]:
    """Return the settings that the image brings."""
    words = [word for name, rest in instructions() if name == "ENV" for word in shlex.split(rest)]
    return {name: value for name, _, value in (word.partition("=") for word in words) if name.startswith("NIGHTLATCH_")}


def test_the_image() -> None:
    """It is not root's, copies what there is and is let through, and runs a command that is understood."""
    found = instructions()
    assert [rest for name, rest in found if name == "USER"] == ["10001:10001"]
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for name, rest in found if name == "COPY" and "--from" not in rest for source in rest.split()[:-1]}
    assert copied == let_through
    assert all((ROOT / each).exists() for each in copied)
    last = {name: rest for name, rest in found if name in {"ENTRYPOINT", "CMD"}}
    assert json.loads(last["ENTRYPOINT"]) == ["nightlatch"]
    assert understood(json.loads(last["CMD"]))


def test_the_unit(tmp_path: Path) -> None:
    """Systemd takes it as it is, its commands are understood, and what may be locked is."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert os.environ.get("CI") != "true", "systemd-analyze is not installed"
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "systemd" / "nightlatch.service").read_text()
    commands = re.findall(r"^Exec\w+=/opt/nightlatch/bin/nightlatch (.*)$", text, re.MULTILINE)
    assert len(commands) == 3
    assert all(understood(shlex.split(each)) for each in commands)
    installed = tmp_path / "nightlatch.service"
    installed.write_text(
        text.replace("/opt/nightlatch/bin/nightlatch", str(Path(sys.executable).with_name("nightlatch")))
    )
    seen = subprocess.run([analyze, "verify", "--man=no", installed], check=False, capture_output=True, text=True)
    assert (seen.returncode, seen.stderr) == (0, "")
    words = [analyze, "security", "--offline=true", "--threshold=20", installed]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0
