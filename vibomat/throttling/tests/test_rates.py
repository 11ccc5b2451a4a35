from datetime import timedelta

import pytest

from vibomat.throttling.rates import Rate, read_rates


def test_rates_by_scope() -> None:
    assert read_rates(" all=600/min, search=5/s ,login=3/h,import=10/day,") == {
        "all": Rate(600, timedelta(minutes=1)),
        "search": Rate(5, timedelta(seconds=1)),
        "login": Rate(3, timedelta(hours=1)),
        "import": Rate(10, timedelta(days=1)),
    }
    assert read_rates("") == {}


@pytest.mark.parametrize(
    "text",
    ["all", "all=600", "all=0/min", "all=-1/min", "all=600/week", "everything=1/s", "all=1/s;"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no rate such as|is none of"):
        read_rates(text)


def test_a_share_is_not_shorter_than_a_microsecond() -> None:
    assert Rate(5_000_000, timedelta(seconds=1)).share == timedelta(microseconds=1)
