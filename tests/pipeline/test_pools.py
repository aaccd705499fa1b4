"""Deployments to containers and pods: what a worker would start, as far as its own code tells."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from typing import Any

import pytest
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration
from ruamel.yaml import YAML

from tests.support.project import ROOT

POOLS = ROOT / "examples" / "pools"
DOCUMENT = YAML(typ="safe").load(POOLS / "prefect.yaml")
DEPLOYMENTS = {each["work_pool"]["name"]: each for each in DOCUMENT["deployments"]}


def variables(pool: str) -> dict[str, Any]:
    found: dict[str, Any] = DEPLOYMENTS[pool]["work_pool"]["job_variables"]
    return found


@pytest.mark.parametrize("pool", DEPLOYMENTS)
def test_a_deployment_names_a_flow_and_parameters_that_it_has(pool: str) -> None:
    definition = DEPLOYMENTS[pool]
    flow: Flow[..., Any] = load_flow_from_entrypoint(str(ROOT / definition["entrypoint"]))
    assert flow.validate_parameters(definition["parameters"])


def test_a_container_gets_the_checkout_the_landing_folder_and_no_more_memory() -> None:
    template = DockerWorker.get_default_base_job_template()
    asked = variables("slmrec-docker")
    assert set(asked) <= set(template["variables"]["properties"])
    made = asyncio.run(DockerWorkerJobConfiguration.from_template_and_values(template, asked))
    (step,) = DOCUMENT["pull"]
    (folder,) = step["prefect.deployments.steps.set_working_directory"].values()
    assert f"{folder}:{folder}" in made.volumes
    assert f"{DEPLOYMENTS['slmrec-docker']['parameters']['landing']}:ro" in made.volumes[1]
    assert (made.image, made.mem_limit) == ("slmrec", "8g")


def test_a_pod_gets_the_claim_that_holds_the_checkout() -> None:
    template = json.loads((POOLS / "pods.json").read_text())
    asked = variables("slmrec-pods")
    assert set(asked) <= set(template["variables"]["properties"])
    made = asyncio.run(KubernetesWorkerJobConfiguration.from_template_and_values(template, asked))
    pod = made.job_manifest["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "slmrec", "persistentVolumeClaim": {"claimName": "slmrec"}}]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "slmrec", "mountPath": "/srv/slmrec"}]
    assert container["resources"]["limits"]["memory"] == "8Gi"


def test_the_template_of_pods_is_prefects_own_but_for_the_claim() -> None:
    template = json.loads((POOLS / "pods.json").read_text())
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    del pod["volumes"], pod["containers"][0]["volumeMounts"]
    del template["variables"]["properties"]["volume_claim"]
    template["variables"]["required"].remove("volume_claim")
    own = KubernetesWorker.get_default_base_job_template()
    assert template["job_configuration"] == own["job_configuration"]
    assert template["variables"]["properties"] == own["variables"]["properties"]


def test_the_image_is_built_of_what_is_there() -> None:
    text = (POOLS / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.M) for name in line.split()]
    assert {"slmrec", "flows", "pyproject.toml", "constraints.txt"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    (extras,) = re.findall(r'"\.\[(.*)\]"', text)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= set(known)
