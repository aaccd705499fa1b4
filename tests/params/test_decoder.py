"""A decoder's heads must divide what they share."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slmrec.params.decoder import DecoderParams


def decoder(width: int, heads: int, key_value_heads: int) -> DecoderParams:
    return DecoderParams(
        kind="config",
        layers=1,
        width=width,
        heads=heads,
        key_value_heads=key_value_heads,
        feed_forward=8,
    )


@pytest.mark.parametrize(("width", "heads"), [(24, 5), (24, 8)])  # 4.8 and 3 numbers a head
def test_a_width_must_give_heads_of_even_size(width: int, heads: int) -> None:
    assert decoder(24, 4, 4).width == 24  # 6 numbers a head: rotary embeddings turn pairs
    with pytest.raises(ValidationError, match=f"does not split into {heads} heads of even size"):
        decoder(width, heads, 1)


def test_heads_must_share_their_keys_evenly() -> None:
    assert decoder(24, 4, 2).key_value_heads == 2
    with pytest.raises(ValidationError, match="4 heads do not share 3 key-value heads evenly"):
        decoder(24, 4, 3)
