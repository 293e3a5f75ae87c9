"""How a stream of events is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.event_stream import Event, EventStream, has_enough_events, read_events

ORIGIN = "https://api.example.com"

LINES = st.sampled_from(
    [
        "",
        "",
        "data: a",
        "data:b",
        "data",
        "id: 7",
        "id",
        "id: x\0y",
        "retry: 5",
        "retry: x",
        "event: e",
        ":c",
        "x",
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r", "\r\n"]))).map(
    lambda lines: "".join(map("".join, lines)).encode()
)


def data(content: bytes) -> list[str]:
    return [event.data for event in read_events(content).events]


@pytest.mark.parametrize(
    ("content", "events"),
    [
        # The examples of the HTML standard.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
            ["first event", "second event"],
        ),
        (b"data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        (b"data:test\n\ndata: test\n\n", ["test", "test"]),
        # Ends of lines and of streams.
        (b"data: a\r\rdata: b\r\n\r\ndata: c\n\n", ["a", "b", "c"]),
        (b"data: a\n", []),
        (b"data: a\n\ndata: b", ["a"]),
        (b"", []),
        (b"\n\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: \xff\n\n", ["\ufffd"]),
        # Other separators of lines are none here.
        ("data: a\u2028b\x0bc\n\n".encode(), ["a\u2028b\x0bc"]),
        # Fields that are not known.
        (b"Data: a\n\n data: b\n\nfoo: bar\n\n", []),
    ],
)
def test_the_data_of_events(content: bytes, events: list[str]) -> None:
    assert data(content) == events


def test_types_ids_and_origins() -> None:
    content = b"data: a\n\nid: 7\nevent: joined\ndata: b\n\ndata: c\n\nevent: x\n\ndata: d\n\nid\ndata: e\n\n"
    assert read_events(content, origin=ORIGIN, last_event_id="1") == EventStream(
        (
            Event("message", "a", "1", ORIGIN),
            Event("joined", "b", "7", ORIGIN),
            Event("message", "c", "7", ORIGIN),
            Event("message", "d", "7", ORIGIN),
            Event("message", "e", "", ORIGIN),
        ),
        "",
        None,
    )


@pytest.mark.parametrize(
    ("content", "last"),
    [
        (b"id: 7\n\n", "7"),
        (b"id: 7\n", "1"),
        (b"id: x\0y\n\n", "1"),
        (b"id\n\n", ""),
        ("id: \u20ac\n\n".encode(), "\u20ac"),
    ],
)
def test_the_id_that_is_kept(content: bytes, last: str) -> None:
    assert read_events(content, last_event_id="1").last_event_id == last


@pytest.mark.parametrize(
    ("content", "retry"),
    [
        (b"retry: 3000\n", 3000),
        (b"retry:0\n", 0),
        (b"retry: 1\nretry: 2\n", 2),
        (b"retry: 1.5\n", None),
        (b"retry: -1\n", None),
        ("retry: \u0665\n".encode(), None),
        (b"retry\n", None),
        (b"retry: " + b"9" * 5000 + b"\n", 999_999_999_999_999),
    ],
)
def test_how_long_to_wait(content: bytes, retry: int | None) -> None:
    assert read_events(content).retry == retry


def test_no_more_than_so_many() -> None:
    content = b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n"
    stream = read_events(content, most=2)
    assert [event.data for event in stream.events] == ["a", "b"]
    assert stream.last_event_id == "2"
    assert has_enough_events(content, 3)
    assert not has_enough_events(content, 4)
    assert not has_enough_events(content, None)


@given(STREAMS, st.integers(1, 5))
def test_fewer_are_the_first_ones(content: bytes, most: int) -> None:
    all_events = read_events(content, origin=ORIGIN).events
    assert read_events(content, origin=ORIGIN, most=most).events == all_events[:most]
    assert has_enough_events(content, most) is (len(all_events) >= most)


@given(STREAMS, STREAMS)
def test_what_follows_takes_no_event_back(first: bytes, more: bytes) -> None:
    before, after = read_events(first).events, read_events(first + more).events
    assert after[: len(before)] == before


@given(st.binary())
def test_any_bytes_can_be_read(content: bytes) -> None:
    stream = read_events(content)
    assert all("\r" not in event.data for event in stream.events)
    assert "\0" not in stream.last_event_id
