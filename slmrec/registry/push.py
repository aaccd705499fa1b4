"""A published version on a model hub: Hugging Face's, MLflow's, or a folder laid out as either.

A version that is there already is left as it is: its number stands for one bundle. What goes there
is in slmrec.registry.hub_layout.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import Any

from slmrec.core.errors import UnavailableError, UsageError
from slmrec.core.files import new_folder
from slmrec.core.installed import require
from slmrec.registry.hub_layout import figures_of, lay_out
from slmrec.registry.store import Registry
from slmrec.registry.version import Version

LONGEST_PARAM = 6000  # characters, in MLflow
SHA256 = "bundle_sha256"  # in a version's record, and the tag by which MLflow's is known again


def push_to_folder(registry: Registry, version: Version, folder: Path) -> str:
    """Write the repository to FOLDER/VERSION; a line that says what was done."""
    target = folder / str(version)
    if target.exists():
        return f"{target} is there already"
    with new_folder(target) as temporary:
        lay_out(registry, version, temporary)
    return f"{version} is in {target}"


def push_to_hugging_face(registry: Registry, version: Version, repository: str) -> str:
    """Commit the repository to OWNER/NAME of the hub, with the version as a tag; a line about it.

    The hub and the token are those of the environment (HF_ENDPOINT, HF_TOKEN, or its login). Raises
    UnavailableError where the hub cannot be reached, or refuses.
    """
    require("huggingface_hub", "httpx2", extra="hf")
    from httpx2 import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    hub, tag = HfApi(), f"v{version}"
    try:
        hub.create_repo(repository, exist_ok=True, private=True)
        if tag in {ref.name for ref in hub.list_repo_refs(repository).tags}:
            return f"{repository} has {tag} already"
        with _laid_out(registry, version) as folder:
            hub.upload_folder(
                repo_id=repository,
                folder_path=folder,
                commit_message=f"slmrec {version}",
                delete_patterns="*",  # what an earlier version had and this one has not
            )
        hub.create_tag(repository, tag=tag)
    except HFValidationError as error:
        raise UsageError(f"{repository} names no repository of the hub: {_line(error)}") from error
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise UnavailableError(f"the hub did not take {version}: {_line(error)}") from error
    return f"{version} is at {repository}, tag {tag}"


def push_to_mlflow(registry: Registry, version: Version, name: str, tracking_uri: str) -> str:
    """Log a run with figures and files, and register it as a version of the model `name`.

    Raises UnavailableError where MLflow cannot be reached, or refuses.
    """
    require("mlflow", extra="mlflow")
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        # For all of the process: what asks its default store would make one in the working folder.
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        return _register(mlflow.MlflowClient(), registry, version, name)
    except (MlflowException, OSError) as error:
        raise UnavailableError(f"MLflow did not take {version}: {_line(error)}") from error


def _register(client: Any, registry: Registry, version: Version, name: str) -> str:
    record = registry.record(version)
    tags = {"slmrec_version": str(version), SHA256: record[SHA256]}
    known = [model.name for model in client.search_registered_models(f"name = '{name}'")]
    if name not in known:
        client.create_registered_model(name)
    for there in client.search_model_versions(f"name = '{name}'"):
        if there.tags.get(SHA256) == tags[SHA256]:
            return f"{name} has {version} already, as its version {there.version}"
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    run = client.create_run(experiment, run_name=f"slmrec {version}", tags=tags).info
    try:
        _log(client, registry, version, run.run_id)
        made = client.create_model_version(name, f"{run.artifact_uri}/bundle", run.run_id, tags)
    except BaseException:
        client.set_terminated(run.run_id, "FAILED")
        raise
    client.set_terminated(run.run_id)
    return f"{version} is version {made.version} of {name}"


def _log(client: Any, registry: Registry, version: Version, run_id: str) -> None:
    with _laid_out(registry, version) as folder:
        client.log_artifacts(run_id, str(folder))
    for metric, value in figures_of(registry.metrics(version)["models"]).items():
        client.log_metric(run_id, metric.replace("@", "_at_"), value)  # its names know no @
    for name, written in flattened(registry.record(version)["params"]).items():
        client.log_param(run_id, name, written[:LONGEST_PARAM])


def flattened(params: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested parameters by dotted names, values as JSON."""
    flat: dict[str, str] = {}
    for name, value in params.items():
        inner = isinstance(value, Mapping) and value
        flat |= flattened(value, f"{before}{name}.") if inner else {f"{before}{name}": dumps(value)}
    return flat


@contextmanager
def _laid_out(registry: Registry, version: Version) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        lay_out(registry, version, Path(folder))
        yield Path(folder)


def _line(error: Exception) -> str:
    """The error in one line, without a password that an address in it carries."""
    return re.sub(r"//[^/@\s]*@", "//***@", " ".join(str(error).split()))
