"""What a decision is, and the one line that a log gets of it."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from route_cors import Decision
from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    CALLABLE_FAILED,
    ON_DECISION_FAILED,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
    DryRun,
    EventId,
    bounded,
    bounded_names,
)

if TYPE_CHECKING:
    from route_cors.decisions import Event

EVENTS = [
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    ANSWER_READABLE,
    ANSWER_NOT_READABLE,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
]


def decision(event: Event = PREFLIGHT_REFUSED, **changes: Any) -> Decision:
    fields: dict[str, Any] = {
        "event": event.id,
        "kind": event.kind,
        "allowed": event.allowed,
        "failed": () if event.allowed else ("origin",),
        "method": "PUT",
        "path": "/account/7",
        "route": "/account/{account_id}",
        "origin": "https://evil.example",
    }
    return Decision(**(fields | changes))


def test_the_event_ids_are_what_people_filter_by_and_never_change() -> None:
    assert [(event.id, event.kind, event.allowed) for event in EVENTS] == [
        ("RCE01", "preflight", True),
        ("RCE02", "preflight", False),
        ("RCE03", "actual", True),
        ("RCE04", "actual", False),
        ("RCE05", "actual", False),
        ("RCE06", "websocket", True),
        ("RCE07", "websocket", False),
    ]
    assert tuple(event.id for event in EVENTS) == get_args(EventId)
    assert (CALLABLE_FAILED[:5], ON_DECISION_FAILED[:5]) == ("RCE08", "RCE09")


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (
            decision(PREFLIGHT_ALLOWED, origin="https://app.example"),
            (
                "RCE01 preflight allowed: method=PUT path=/account/7 origin=https://app.example "
                "route=/account/{account_id}"
            ),
        ),
        (
            decision(failed=("origin", "method", "headers"), route=None),
            (
                "RCE02 preflight refused: failed=origin,method,headers method=PUT path=/account/7 "
                "origin=https://evil.example"
            ),
        ),
        (
            decision(ANSWER_READABLE, method="GET"),
            (
                "RCE03 answer readable: method=GET path=/account/7 origin=https://evil.example "
                "route=/account/{account_id}"
            ),
        ),
        (
            decision(ANSWER_NOT_READABLE, path="/", route="/"),
            "RCE04 answer not readable: failed=origin method=PUT path=/ origin=https://evil.example route=/",
        ),
        (
            decision(REQUEST_REFUSED, origin="", route=""),
            'RCE05 request refused: failed=origin method=PUT path=/account/7 origin="" route=""',
        ),
        (
            decision(WEBSOCKET_ALLOWED, method=None, path="/chat", route="/chat"),
            "RCE06 websocket allowed: path=/chat origin=https://evil.example route=/chat",
        ),
        (
            decision(WEBSOCKET_REFUSED, method=None, path="/chat", route="/chat"),
            "RCE07 websocket refused: failed=origin path=/chat origin=https://evil.example route=/chat",
        ),
        (
            decision(failed=("headers",), refused_headers=("x-a", "x b"), own_origin="http://api.example"),
            (
                'RCE02 preflight refused: failed=headers method=PUT refused_headers="x-a,x b" '
                "path=/account/7 origin=https://evil.example own_origin=http://api.example "
                "route=/account/{account_id}"
            ),
        ),
        (
            decision(ANSWER_READABLE, route=None, dry_run=DryRun(200, allowed=True, change="", why="")),
            (
                "RCE03 dry run, answer readable: method=PUT path=/account/7 origin=https://evil.example "
                "change=none"
            ),
        ),
        (
            decision(route=None, dry_run=DryRun(None, allowed=False, change="both", why='say "why"\n')),
            (
                "RCE02 dry run, preflight refused: failed=origin method=PUT path=/account/7 "
                'origin=https://evil.example change=both why="say \\"why\\"\\n"'
            ),
        ),
    ],
)
def test_the_line(made: Decision, line: str) -> None:
    assert str(made) == line


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("https://a.example", "https://a.example"),
        ("a b", '"a b"'),
        ('x" route=/admin', r'"x\" route=/admin"'),
        ("a\r\nRCE01 preflight allowed: b", r'"a\r\nRCE01 preflight allowed: b"'),
        ("\x1b[31mred\x7f\x9b", r'"\u001b[31mred\u007f\u009b"'),
        ("\u202egnp.exe\u2028", r'"\u202egnp.exe\u2028"'),
        ("\udcff\x00\\", r'"\udcff\u0000\\"'),
        ("%s %(x)d {0}", '"%s %(x)d {0}"'),
    ],
)
def test_what_a_client_sent_is_escaped(sent: str, shown: str) -> None:
    assert str(decision(origin=sent)) == (
        "RCE02 preflight refused: failed=origin method=PUT path=/account/7 "
        f"origin={shown} route=/account/{{account_id}}"
    )


FIELD = re.compile(r'(\w+)=([!#-\[\]-~]+|"(?:[^"\\]|\\.)*")(?: |$)')


@given(st.text(), st.text(), st.text(), st.text())
@example("PUT", '/x" origin=https://good.example', "/x=y", "a=b c=d")
@example("", "", "", "")
def test_any_line_is_printable_and_reads_back_as_what_was_sent(
    method: str, path: str, origin: str, route: str
) -> None:
    line = str(decision(method=method, path=path, origin=origin, route=route))
    assert re.fullmatch("[ -~]+", line)
    said = dict(FIELD.findall(line.partition(": ")[2]))
    read = {name: json.loads(value) if value.startswith('"') else value for name, value in said.items()}
    assert read == {"failed": "origin", "method": method, "path": path, "origin": origin, "route": route}


@given(st.text(max_size=1000))
@example("/" * 300)
@example("/" * 301)
@example("/" * 65_536)
def test_a_bound_keeps_the_beginning(text: str) -> None:
    kept = bounded(text)
    assert len(kept) <= 300
    assert kept == text or (len(kept) == 300 and kept == text[:297] + "...")
    assert (kept == text) == (len(text) <= 300)


@given(st.lists(st.text(max_size=400), max_size=40))
@example(["x" * 296, "y"])
@example(["x" * 297])
@example([""] * 1000)
def test_bounded_names_are_the_first_ones(names: list[str]) -> None:
    kept = bounded_names(names)
    assert len(",".join(kept)) <= 300
    assert kept == tuple(names) or kept == (*names[: len(kept) - 1], "...")


def test_a_decision_is_data() -> None:
    made = decision()
    assert made == decision()
    assert {made, decision()} == {made}
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - its own
    assert json.loads(json.dumps(dataclasses.asdict(made))) == {
        "event": "RCE02",
        "kind": "preflight",
        "allowed": False,
        "failed": ["origin"],
        "method": "PUT",
        "path": "/account/7",
        "route": "/account/{account_id}",
        "origin": "https://evil.example",
        "refused_headers": [],
        "sec_fetch_site": None,
        "own_origin": None,
        "live_age": None,
        "dry_run": None,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.allowed = True  # type: ignore[misc]
