"""The calls of both pages, without a browser."""

from itertools import product
from urllib.parse import parse_qsl

import httpx

from demonstration.calls import (
    BLOCKED_FORM,
    BLOCKED_HANDSHAKE,
    BLOCKED_PREFLIGHT,
    BLOCKED_RESPONSE,
    CALLS,
    FRONT_ENDS,
    MONEY_SENT,
    Call,
)
from demonstration.pages import Sites
from route_cors.testing import Browser, CORSBlocked

__all__ = ["check"]

STEPS = {"preflight": BLOCKED_PREFLIGHT, "actual": BLOCKED_RESPONSE, "websocket": BLOCKED_HANDSHAKE}


def form_outcome(page: Browser, call: Call) -> str:
    """Whether the form of this page did something; its script cannot read the response."""
    before = page.fetch("/public/transfers").json()
    page.submit(call.path, data=parse_qsl(call.body or ""))
    return MONEY_SENT if page.fetch("/public/transfers").json() > before else BLOCKED_FORM


def outcome(page: Browser, call: Call) -> str:
    """What a script of this page sees of the call."""
    if call.kind == "form":
        return form_outcome(page, call)
    try:
        if call.kind == "websocket":
            page.connect(call.path)
            return "connected"
        response = page.fetch(
            call.path,
            method=call.method,
            headers=call.headers,
            content=call.body,
            credentials=call.credentials,
        )
    except CORSBlocked as blocked:
        return STEPS[blocked.step]
    if call.kind == "events":
        return f"{response.text.count('data: event')} events"
    if call.reads_header is None:
        return str(response.status_code)
    is_readable = call.reads_header in response.headers
    return f"{response.status_code}, {call.reads_header} {'readable' if is_readable else 'hidden'}"


def check(sites: Sites, *, enforce: bool) -> bool:
    """Make every call from both front ends; print the outcomes and whether they are as expected."""
    rows = [("call", "front end", "expected", "seen", "")]
    # One connection per call: after a crash, the server closes the connection some time after the response.
    alone = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=sites.api, trust_env=False, limits=alone) as client:
        # One browser for both: the stranger's calls send the cookie of the trusted login.
        trusted = Browser(client, origin=sites.trusted)
        pages = {"trusted": trusted, "stranger": trusted.page(origin=sites.stranger)}
        for front_end, call in product(FRONT_ENDS, CALLS):
            seen = outcome(pages[front_end], call)
            wanted = call.expected(front_end, enforce=enforce).outcome
            rows.append((call.title, front_end, wanted, seen, "" if seen == wanted else "UNEXPECTED"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    calls = len(rows) - 1
    surprises = sum(row[-1] == "UNEXPECTED" for row in rows)
    print(f"\n{calls - surprises} of {calls} outcomes as expected")
    return surprises == 0
