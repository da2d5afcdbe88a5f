"""The examples of deployments, read by the tools that read them in production."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.config.settings import PREFIX, Settings
from tests.builders.services import ROOT, TOOLS, require

KUBERNETES = ROOT / "docs" / "operations" / "kubernetes" / "kith.yaml"
COMPOSE = ROOT / "docker-compose.yml"
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
LOAD = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    require((TOOLS / "kubernetes-validate").exists(), "kubernetes-validate")
    done = subprocess.run(
        [TOOLS / "python", "-c", LOAD], input=path.read_text(), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    require((TOOLS / "kubernetes-validate").exists(), "kubernetes-validate")
    command = [TOOLS / "kubernetes-validate", "-k", "1.34", "--strict", path]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_kubernetes_accepts_the_example() -> None:
    done = validate(KUBERNETES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed for resource") == len(documents(KUBERNETES)) == 6


@pytest.mark.parametrize(
    ("old", "new"), [("readinessProbe:", "readyProbe:"), ("replicas: 2", "replicas: two"), ("path: /livez", "path: 7")]
)
def test_kubernetes_rejects_an_example_with_an_error(tmp_path: Path, old: str, new: str) -> None:
    wrong = tmp_path / "kith.yaml"
    wrong.write_text(KUBERNETES.read_text().replace(old, new))
    assert validate(wrong).returncode != 0


def test_the_kubernetes_example_sets_only_settings_and_probes_paths_that_exist() -> None:
    config, deployment, *_ = documents(KUBERNETES)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert set(config["data"]) <= SETTINGS
    assert set(re.findall(r"KITH_[A-Z0-9_]+(?==)", KUBERNETES.read_text())) <= SETTINGS
    assert pod["enableServiceLinks"] is False
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    assert deployment["spec"]["replicas"] == 2


def test_compose_passes_every_setting_and_builds_a_tagged_image_with_extras() -> None:
    (compose,) = documents(COMPOSE)
    kith = compose["services"]["kith"]
    assert kith["env_file"] == ".env"
    assert set(kith["environment"]) <= SETTINGS
    assert kith["image"].startswith("kith-graph:")
    assert set(kith["build"]["args"]) == set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    # The keys and the ledger of erasures are not where the store is.
    assert kith["volumes"] == [
        "${CONFIG_DIR:-./config}:/config:ro",
        "audit-log:/home/kith/kith-audit",
        "erasure-keys:/home/kith/kith-erasure-keys",
        "erasure-ledger:/home/kith/kith-erasure-ledger",
    ]
