"""Units and formats of times, by trying values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slmrec.init.columns.time_formats import find_time_format, read_time


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["978300760", "978302109"], "epoch_s"),
        (["1593898068.378"], "epoch_s"),
        (["1400231096000", "1400231097000"], "epoch_ms"),
        (["1400231096000000"], "epoch_us"),
        (["1400231096000000000"], "epoch_ns"),
        (["2014-05-16T09:04:56.672Z", "2014-05-16 09:04+02:00"], "iso8601"),
        (["2020-07-05 05:27:48.378"], "iso8601_utc"),
        (["2018-09-20"], "date"),
        (["20200705"], "%Y%m%d"),
        (["11/15/2019 8:55:22 AM"], "%m/%d/%Y %I:%M:%S %p"),
        (["2019-10-01 00:00:00 UTC"], "%Y-%m-%d %H:%M:%S UTC"),
        (["Tue Apr 03 18:00:09 +0000 2012"], "%a %b %d %H:%M:%S %z %Y"),
        (["09 13, 2009"], "%m %d, %Y"),
        (["25.12.2009"], "%d.%m.%Y"),
    ],
)
def test_the_format_is_found(values: list[str], name: str) -> None:
    found = find_time_format(values)

    assert found is not None
    assert (found.name, found.rivals) == (name, ())


@pytest.mark.parametrize(
    "values", [["1", "2", "3"], ["1995"], ["214500004"], ["2053013552326770905"], ["u1"], []]
)
def test_years_ids_and_words_are_no_times(values: list[str]) -> None:
    assert find_time_format(values) is None


def test_a_few_bad_values_do_not_hide_the_unit() -> None:
    found = find_time_format([str(1_400_231_096_000 + n) for n in range(50)] + ["-5"])

    assert found is not None
    assert (found.name, found.share) == ("epoch_ms", 50 / 51)


def test_days_that_could_be_months_have_a_rival_until_one_is_above_twelve() -> None:
    open_case, closed_case = (
        find_time_format(["3/4/2020"]),
        find_time_format(["3/4/2020", "3/14/2020"]),
    )

    assert open_case is not None and closed_case is not None
    assert (open_case.name, open_case.rivals) == ("%m/%d/%Y", ("%d/%m/%Y",))
    assert (closed_case.name, closed_case.rivals) == ("%m/%d/%Y", ())


def test_times_are_read_in_their_format_and_zone() -> None:
    noon = datetime(2020, 7, 5, 12, tzinfo=UTC)

    assert read_time("1593950400", "epoch_s") == noon
    assert read_time("2020-07-05 14:00+02:00", "iso8601") == noon
    assert read_time("5/7/2020 12:00", "%d/%m/%Y %H:%M") == noon
    assert read_time("never", "epoch_s") is None
