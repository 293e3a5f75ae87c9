"""The counter of a dry run's differences: its rows, and its bound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors import Decision
from route_cors.decisions import DryRun
from route_cors.insight.dry_run import Counted, Differences


def decision(change: Any = "gains", **changes: Any) -> Decision:
    fields: dict[str, Any] = {
        "event": "RCE03",
        "kind": "actual",
        "allowed": True,
        "failed": (),
        "method": "GET",
        "path": "/x/7",
        "route": "/x/{n}",
        "origin": "https://a.example",
        "dry_run": None if change is None else DryRun(200, allowed=True, change=change, why="why"),
    }
    return Decision(**(fields | changes))


def test_rows_are_counted_and_the_most_frequent_come_first() -> None:
    differences = Differences()
    for each in (
        *(decision(), decision("loses"), decision("loses"), decision(""), decision(None)),
        *(decision(route=None, method=None, kind="websocket"), decision("loses", path="/x/8")),
    ):
        differences(each)
    assert [*differences] == [
        Counted("actual", "/x/{n}", "GET", "https://a.example", "loses", "why", 3),
        Counted("actual", "/x/{n}", "GET", "https://a.example", "gains", "why", 1),
        Counted("websocket", None, None, "https://a.example", "gains", "why", 1),
    ]
    assert len(differences) == 3
    assert ("/x/{n}", "actual", "GET", "https://a.example", "gains") in differences
    assert ("/x/{n}", "actual", "PUT", "https://a.example", "gains") not in differences


def test_a_row_is_new_once() -> None:
    differences = Differences(limit=1)
    asked = [decision(), decision(), decision(""), decision(origin="o"), decision(origin="p"), decision()]
    assert [differences.is_new(each) for each in asked] == [True, False, False, True, False, False]


def test_the_reason_is_that_of_the_first_request() -> None:
    differences = Differences()
    for why in ("first", "second"):
        differences(decision(dry_run=DryRun(200, allowed=True, change="gains", why=why)))
    assert [row.why for row in differences] == ["first"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_1_or_more(limit: int) -> None:
    with pytest.raises(ValueError, match=f"^limit must be 1 or more, not {limit}: leave it out for 1000$"):
        Differences(limit)


_ROUTES = (None, "/a", "/b")
_made_up = st.builds(
    decision,
    st.sampled_from(["gains", "loses", "both", "", None]),
    route=st.sampled_from(_ROUTES),
    kind=st.sampled_from(["preflight", "actual", "websocket"]),
    method=st.text(max_size=3),
    origin=st.text(max_size=3),
)


@given(st.lists(_made_up, max_size=60), st.integers(1, 8))
def test_nothing_is_lost_and_the_rows_are_bounded(decisions: list[Decision], limit: int) -> None:
    differences = Differences(limit)
    for each in decisions:
        differences(each)
    counted = sum(row.requests for row in differences)
    assert counted == sum(each.dry_run is not None and each.dry_run.change != "" for each in decisions)
    named = [row for row in differences if row.origin != "(other)"]
    assert len(named) <= limit
    assert len(differences) <= limit + len(_ROUTES) * 3 * 3
