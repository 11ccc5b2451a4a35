"""Each statement of a list uses the index it is meant to, on enough rows to mean it."""

import pytest

from search.plans import plans_of
from search.resolve import Entry, resolve
from search.tests.test_stage_plans import large_catalogue, no_sequential_scan  # noqa: F401

pytestmark = pytest.mark.usefixtures("large_catalogue", "db")


@pytest.mark.parametrize("others", [0, 300])
def test_a_list_reads_its_indexes(others: int) -> None:
    entries = [
        Entry("Daft Punk", "One More Time", "Discovery"),
        Entry("Daft Pumk", "One Mroe Time"),
        *(Entry(f"Nobody {n}", f"Love {n}") for n in range(others)),
    ]
    plans = plans_of(lambda: resolve(entries))
    of_tracks = [plan for plan in plans if "FROM search_resolve(" in plan]
    of_names = [plan for plan in plans if "FROM search_nearby(" in plan]
    # The tracks with the typed names, and those with names near them.
    assert len(of_tracks) == 2, plans
    assert all("track_search_vector" in plan and "track_pkey" in plan for plan in of_tracks), plans
    assert len(of_names) == 1 and "search_lexeme_deletes" in of_names[0], plans
    assert no_sequential_scan("\n".join(plans)), plans
