"""Origin callables, called with origins that they should refuse."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import HTTPConnection

from route_cors.insight.describe import name_of
from route_cors.insight.findings.grantors import grantors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding

_CANARIES: Final = (
    "https://qzkvjwxhpt.example",
    "https://wvq7zk-xj4hd.test",
    "http://0817364529.invalid:8080",
)
_SECONDS: Final = 5.0


def find_open_callables(facts: Facts) -> Iterator[Finding]:
    """RC022: a callable that allows made-up origins. This runs the user's code."""
    for grantor in grantors(facts):
        if grantor.policy is None:
            continue
        for item in grantor.policy.origins:
            if callable(item) and all(_says_yes(item, each, facts, grantor.rows) for each in _CANARIES):
                powers = ", with credentials" if grantor.credentials else ""
                sentence = f"{name_of(item)} allows every origin, such as {_CANARIES[0]}{powers}"
                fix = "compare the origin with those you trust: return origin in {'https://app.example.com'}"
                severity: Severity = "error" if grantor.credentials else "warning"
                yield grantor.about("RC022", sentence, fix, severity=severity)


def _says_yes(item: Callable[..., Any], origin: str, facts: Facts, rows: list[Row]) -> bool:
    """Whether it allows an origin; an exception counts as a refusal, as it does for a request."""
    try:
        answer = item(origin, HTTPConnection(_scope(origin, facts, rows)))
        return (asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer) is True
    except Exception:  # noqa: BLE001 - the user's code, which may expect a database
        return False


async def _awaited(answer: Any) -> Any:
    return await asyncio.wait_for(answer, _SECONDS)


def _scope(origin: str, facts: Facts, rows: list[Row]) -> dict[str, Any]:
    path = (rows[0].reported.example if rows else None) or "/"
    headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
    return {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("testserver", 443),
        "client": ("192.0.2.1", 49152),
        "path_params": {},
        "app": facts.around.app,
        "state": {},
    }
