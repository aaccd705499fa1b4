"""prefect.yaml on a server, without undoing what people changed there: `python -m flows.deploy`.

Of a deployment that the server has, schedules and pause stay as they are; one whose definition has
not changed since is not touched at all.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from ruamel.yaml import YAML

from flows.processes import process_group
from slmrec.core.errors import UnavailableError

PROJECT_FILE = Path("prefect.yaml")
SECONDS_TO_DEPLOY = 120
CLOSED = {"additionalProperties": False}  # of a schema: other parameters are refused
Definition = dict[str, Any]  # a deployment, as prefect.yaml has it


def deploy(project_file: Path = PROJECT_FILE) -> list[str]:
    """Bring work pools and deployments up to date; returns the deployments that changed.

    Raises UnavailableError when Prefect refuses one.
    """
    document = YAML(typ="safe").load(project_file)
    changed: list[Definition] = []
    with get_client(sync_client=True) as client:
        for definition in document["deployments"]:
            _ensure_work_pool(client, definition["work_pool"]["name"])
            existing = _existing(client, definition)
            wanted = {**definition, "version": _version(document, definition)}
            if not _is_current(existing, wanted):
                changed.append(_with_what_people_changed(wanted, existing))
        _apply({**document, "deployments": changed})
        for definition in changed:
            _close_parameters(client, definition)
    return [definition["name"] for definition in changed]


def _ensure_work_pool(client: SyncPrefectClient, name: str) -> None:
    """Make a process work pool where there is none; one that is there may have been changed."""
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))


def _existing(client: SyncPrefectClient, definition: Definition) -> DeploymentResponse | None:
    flow: Flow[Any, Any] = load_flow_from_entrypoint(definition["entrypoint"])
    try:
        return client.read_deployment_by_name(f"{flow.name}/{definition['name']}")
    except ObjectNotFound:
        return None


def _version(document: dict[str, Any], definition: Definition) -> str:
    """A hash of all that a deployment is made of."""
    schema = parameter_schema(load_flow_from_entrypoint(definition["entrypoint"]))
    parts = [definition, document.get("pull"), schema.model_dump_for_openapi()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _is_current(existing: DeploymentResponse | None, wanted: Definition) -> bool:
    if existing is None or existing.version != wanted["version"]:
        return False
    # Closed last: one without it is what a killed start left.
    return (existing.parameter_openapi_schema or {}).items() >= CLOSED.items()


def _with_what_people_changed(
    wanted: Definition, existing: DeploymentResponse | None
) -> Definition:
    if existing is None:
        return wanted
    # Without schedules Prefect leaves those that the deployment has.
    kept = {key: value for key, value in wanted.items() if key != "schedules"}
    return {**kept, "paused": existing.paused}


def _apply(document: dict[str, Any]) -> None:
    if not document["deployments"]:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, PROJECT_FILE.name)
        YAML(typ="safe").dump(document, file)
        arguments = ["--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
        with process_group("prefect", arguments, Path(), None) as step:
            if step.wait(SECONDS_TO_DEPLOY):
                raise UnavailableError("prefect deploy failed; its lines above say why")


def _close_parameters(client: SyncPrefectClient, definition: Definition) -> None:
    """Have the server refuse parameters that the flow does not have: they would crash the run."""
    deployed = _existing(client, definition)
    assert deployed is not None
    schema = {**(deployed.parameter_openapi_schema or {}), **CLOSED}
    client.update_deployment(deployed.id, DeploymentUpdate(parameter_openapi_schema=schema))


if __name__ == "__main__":
    print(f"changed on the server: {', '.join(deploy()) or 'nothing'}")
