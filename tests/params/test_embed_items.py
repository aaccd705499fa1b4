"""Two models of one seed are one model, and no ensemble; heads divide the width."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slmrec.params.embed_items import EmbedItemsParams
from slmrec.params.section import read_yaml
from tests.support.project import ROOT


@pytest.mark.parametrize("further", [[1], [2, 2]])
def test_seeds_of_an_ensemble_must_differ(further: list[int]) -> None:
    section = read_yaml(ROOT / "params.yaml")["embed_items"] | {"seed": 1}
    seeds = EmbedItemsParams.model_validate(section | {"ensemble_seeds": [2, 3]}).ensemble_seeds
    assert seeds == [2, 3]
    with pytest.raises(ValidationError, match=r"seed and ensemble_seeds are \[1, "):
        EmbedItemsParams.model_validate(section | {"ensemble_seeds": further})


def test_a_width_that_does_not_split_into_its_heads_is_refused() -> None:
    section = read_yaml(ROOT / "params.yaml")["embed_items"] | {"heads": 2}
    with pytest.raises(ValidationError, match="width 33 does not split into 2 heads"):
        EmbedItemsParams.model_validate(section | {"width": 33})
