"""What is known of the table: ranges of ids without a gap, and how common values are."""

import pytest
from django.db import connection

from archives.layout import END, LEAST, Column, forget_layouts, layout
from archives.models import Archive

NUMBERS = Column({"10": 0.2, "20": 0.1}, tuple(range(0, 101, 10)), others=0.7)


@pytest.mark.parametrize(
    ("least", "most", "share"),
    [
        (10, 10, 0.2 + 0.14),
        (11, 19, 0.07),
        (0, 100, 1.0),
        (15, 1000, 0.1 + 0.7),
        (91, 2**31, 0.14),
        (101, 2**31, 0.07),
        (5, 4, 0.07),
    ],
)
def test_the_share_of_a_range_is_rather_told_too_great(least: int, most: int, share: float) -> None:
    assert NUMBERS.share_between(least, most) == pytest.approx(share)


def test_a_column_without_bounds_has_its_common_values_only() -> None:
    column = Column({"a": 0.9})
    assert (column.share_of("a"), column.share_of("b")) == (0.9, 0.0)
    assert Column({"1": 0.9}).share_between(0, 1) == 0.9


def test_ranges_leave_nothing_out(db: None) -> None:
    forget_layouts()
    ranges = layout("default").ranges
    assert ranges[0][1] == END
    assert ranges[-1][0] == LEAST
    assert [lower for lower, _ in ranges[:-1]] == [upper for _, upper in ranges[1:]]


@pytest.mark.usefixtures("db")
def test_columns_are_as_common_as_analyze_found() -> None:
    Archive.objects.bulk_create(
        Archive(
            name="Mix",
            status="published" if n % 4 else "draft",
            content={"tracks": [{"artist": "Air", "duration_ms": n}] * (n % 10)},
        )
        for n in range(1000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE playlist (status, track_count, total_duration_ms)")
    forget_layouts()
    columns = layout("default").columns
    forget_layouts()
    assert columns["status"].share_of("draft") == pytest.approx(0.25, abs=0.01)
    assert columns["status"].share_of("failed") == 0
    assert columns["track_count"].share_between(3, 4) == pytest.approx(0.2, abs=0.02)
    assert columns["total_duration_ms"].share_between(0, 2**63 - 1) == pytest.approx(0.9, abs=0.02)
    assert columns["total_duration_ms"].share_between(8000, 2**63 - 1) < 0.1
