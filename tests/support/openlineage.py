"""What OpenLineage's published schemas ask of a run event, as a JSON Schema in words of our own.

It restates https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets that the events have,
each by the address that it has to name: those of the client that constraints.txt pins, whose
classes are generated from them. It is narrower: what no event of ours has is refused, so that a
new field is looked up before it is sent. A client that names other addresses has to be held against
them again.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

Schema = dict[str, Any]
SPEC = "https://openlineage.io/spec"
TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
URI: Schema = {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*://[^\s/]+(/\S*)?$"}


def record(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def facet(version: str, name: str, required: Schema, optional: Schema | None = None) -> Schema:
    """A facet whose fields are these; it names its producer and its own schema."""
    address = {"const": f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"}
    return record({"_producer": URI, "_schemaURL": address} | required, optional)


def facets(**known: Schema) -> Schema:
    """Any of these facets, by their names."""
    return record({}, known)


JOB = record({"namespace": TEXT, "name": TEXT}, {"facets": facets()})
TAG = record({"key": TEXT, "value": TEXT}, {"source": TEXT})
RUN = record(
    {"runId": UUID},
    {
        "facets": facets(
            parent=facet(
                "1-2-0",
                "ParentRunFacet",
                {"run": record({"runId": UUID}, {"facets": facets()}), "job": JOB},
            ),
            errorMessage=facet(
                "1-0-1", "ErrorMessageRunFacet", {"message": TEXT, "programmingLanguage": TEXT}
            ),
            tags=facet("1-0-0", "TagsRunFacet", {}, {"tags": {"type": "array", "items": TAG}}),
        )
    },
)
VERSION = facet("1-0-1", "DatasetVersionDatasetFacet", {"datasetVersion": TEXT})
STATISTICS = facet(
    "1-0-2",
    "OutputStatisticsOutputDatasetFacet",
    {},
    {"rowCount": COUNT, "size": COUNT, "fileCount": COUNT},
)


def datasets(of_their_kind: Schema) -> Schema:
    """A list of inputs or outputs, which have facets of their kind beside those of a dataset."""
    named = {"namespace": TEXT, "name": TEXT}
    dataset = record(named, {"facets": facets(version=VERSION)} | of_their_kind)
    return {"type": "array", "items": dataset}


RUN_EVENT = record(
    {
        "eventTime": TIME,
        "producer": URI,
        "schemaURL": {"const": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": RUN,
        "job": JOB,
        # Not asked for by the schema, but by what it says of a run: one START, one end.
        "eventType": {"enum": ["START", "COMPLETE", "FAIL", "ABORT"]},
    },
    {
        "inputs": datasets({"inputFacets": facets()}),
        "outputs": datasets({"outputFacets": facets(outputStatistics=STATISTICS)}),
    },
)
VALIDATOR = Draft202012Validator(RUN_EVENT, format_checker=FormatChecker(["uuid", "date-time"]))


def faults(event: dict[str, Any]) -> list[str]:
    """Where an event is not what the schema asks for, and why."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(event)]
