"""The project's own studies.yaml is valid, and asks what the paper leaves out."""

from __future__ import annotations

from slmrec.studies.params import AblationParams, DepthStudyParams
from tests.support.project import ROOT


def test_the_projects_own_studies_are_valid_and_name_the_row_the_paper_leaves_out() -> None:
    assert DepthStudyParams.read(ROOT).depths
    rows = {row.name: row.weights for row in AblationParams.read(ROOT).rows}
    weights = rows["+ multi-supervision"].model_dump()
    terms = {name for name, weight in weights.items() if weight}
    assert terms == {"ranking", "multi_supervision"}
