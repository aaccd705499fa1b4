"""OpenLineage events of each stage: what it read and wrote, by the hashes that DVC keeps.

https://openlineage.io/docs/spec/object-model: a START and one end a run, made of the
official client's classes. Names of datasets follow its convention for files: namespace `file`, and
the path. Only what dvc.lock says is told: no parameter, no environment, no line of a log, where a
password may stand.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from flows.dvc_stages import StageError
from slmrec.core.errors import UsageError
from slmrec.core.installed import require

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

NAMESPACE, FILES = "slmrec", "file"
PRODUCER = "https://pypi.org/project/slmrec"
CODE = ("slmrec/", "flows/")  # deps that are the program, not its data
SECONDS_TO_ANSWER = 5.0
API_KEY = "OPENLINEAGE_API_KEY"  # as the official client calls it


@dataclass(frozen=True)
class Parent:
    """The flow run that stages belong to."""

    run_id: str  # a UUID
    flow: str


class Lineage:
    """Events of a project's stages, sent to `target`: a file of JSON lines, or an http(s) URL.

    Raises UnavailableError without the extra `lineage`, UsageError for a target that is neither.
    Where an event cannot be sent, the run goes on and its log says so.
    """

    def __init__(self, target: str, project: Path, parent: Parent | None) -> None:
        require("openlineage", extra="lineage")
        self.project, self.parent = project, parent
        self._client = _client(target)

    @contextmanager
    def of(self, stage: str, log: Callable[[str], None]) -> Iterator[None]:
        """Tell of a stage that runs within the block: START, then COMPLETE, FAIL or ABORT."""
        run_id = str(uuid.uuid4())
        self._tell("START", run_id, stage, log, "")
        try:
            yield
        except StageError as error:
            self._tell("FAIL", run_id, stage, log, f"{stage} ended with {error.code}")
            raise
        except BaseException as error:  # cancelled, or ended by Ctrl-C
            self._tell("ABORT", run_id, stage, log, type(error).__name__)
            raise
        self._tell("COMPLETE", run_id, stage, log, "")

    def _tell(
        self, kind: str, run_id: str, stage: str, log: Callable[[str], None], error: str
    ) -> None:
        event = self._event(kind, run_id, stage, error)
        # Lineage is no reason to lose a night's training, whatever its server does.
        try:
            self._client.emit(event)
        except OSError as fault:  # those of requests are such, too
            log(f"lineage: {kind} of {stage} was not sent: {type(fault).__name__}")

    def _event(self, kind: str, run_id: str, stage: str, error: str) -> Any:
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.generated.error_message_run import ErrorMessageRunFacet

        facets: dict[str, Any] = self._parent_facet()
        if error:
            facets["errorMessage"] = ErrorMessageRunFacet(error, "Python", producer=PRODUCER)
        inputs, outputs = self._datasets(stage, made=kind == "COMPLETE")
        return RunEvent(
            eventType=RunState[kind],
            eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            run=Run(run_id, facets),
            job=Job(NAMESPACE, stage),
            producer=PRODUCER,
            inputs=inputs,
            outputs=outputs,
        )

    def _parent_facet(self) -> dict[str, Any]:
        from openlineage.client.generated.parent_run import Job, ParentRunFacet, Run

        if self.parent is None:
            return {}
        job = Job(NAMESPACE, self.parent.flow)
        return {"parent": ParentRunFacet(Run(self.parent.run_id), job, producer=PRODUCER)}

    def _datasets(self, stage: str, made: bool) -> tuple[list[Any], list[Any]]:
        """What a stage reads and writes: with hashes and sizes where it has `made` it."""
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
        from openlineage.client.generated.output_statistics_output_dataset import (
            OutputStatisticsOutputDatasetFacet,
        )

        def version(entry: Mapping[str, Any]) -> dict[str, Any]:
            if not made:  # dvc.lock still tells of the run before
                return {}
            return {"version": DatasetVersionDatasetFacet(entry["md5"], producer=PRODUCER)}

        def statistics(entry: Mapping[str, Any]) -> dict[str, Any]:
            if not made:
                return {}
            facet = OutputStatisticsOutputDatasetFacet(
                size=entry["size"], fileCount=entry.get("nfiles", 1), producer=PRODUCER
            )
            return {"outputStatistics": facet}

        deps, outs = self._entries(stage, made)
        inputs = [InputDataset(FILES, self._name(dep), facets=version(dep)) for dep in deps]
        outputs = [
            OutputDataset(FILES, self._name(out), statistics(out), facets=version(out))
            for out in outs
        ]
        return inputs, outputs

    def _entries(self, stage: str, made: bool) -> tuple[list[Any], list[Any]]:
        """Data that a stage depends on, and its outputs: as dvc.lock has them, or by name."""
        file = self.project / ("dvc.lock" if made else "dvc.yaml")
        entry = YAML(typ="safe").load(file)["stages"][stage]
        if made:
            deps, outs = entry.get("deps", []), entry.get("outs", [])
        else:
            named = [*entry.get("outs", []), *entry.get("metrics", [])]
            outs = [{"path": out if isinstance(out, str) else next(iter(out))} for out in named]
            deps = [{"path": dep} for dep in entry.get("deps", [])]
        return [dep for dep in deps if not dep["path"].startswith(CODE)], outs

    def _name(self, entry: Mapping[str, Any]) -> str:
        return (self.project.absolute() / entry["path"]).as_posix()


def _client(target: str) -> OpenLineageClient:
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import (
        ApiKeyTokenProvider,
        HttpConfig,
        HttpTransport,
        TokenProvider,
    )

    if urlsplit(target).scheme in ("http", "https"):
        key = os.environ.get(API_KEY)
        auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
        config = HttpConfig(target, timeout=SECONDS_TO_ANSWER, auth=auth, retry={"total": 0})
        return OpenLineageClient(transport=HttpTransport(config))
    file = Path(target)
    if "://" in target or file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(
            f"lineage is {target!r}; give a file in a folder that is there, or an http(s) URL"
        )
    config_of_file = FileConfig(str(file.absolute()), append=True)
    return OpenLineageClient(transport=FileTransport(config_of_file))
