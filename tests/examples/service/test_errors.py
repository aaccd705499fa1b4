"""Whatever is refused, the answer says why, to programs and to people."""

from __future__ import annotations

from tests.support.examples import Served


def test_errors_are_json_with_a_code_and_say_what_is_wrong(served: Served) -> None:
    assert served.error("/nothing")[:2] == (404, "not_found")
    assert served.error("/recommend")[:2] == (405, "method_not_allowed")
    for body, wanted in (
        (b"{", "body.1: JSON decode error"),
        ({"k": 3}, "body.history: Field required"),
        ({"history": [7]}, "body.history.0: Input should be a valid string"),
        ({"history": [], "k": 101}, "body.k: Input should be less than or equal to 100"),
    ):
        assert served.error("/recommend", body) == (422, "invalid_request", wanted)
    assert served.error("/recommend", b'{"history": ["\\ud800"]}')[0] == 422
