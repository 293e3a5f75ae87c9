"""The same cases in the model of a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.testing import Browser, CORSBlocked

from .cases import BLOCKED, REFUSED, Case, Fetch, Observed, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from route_cors.testing.history import Exchange

    from .quirks import Quirks
    from .servers import Servers


def in_the_model(
    target: httpx.Client | str,
    servers: Servers,
    cases: Mapping[int, Case],
    quirks: Quirks | None = None,
) -> dict[int, Observed]:
    """What the model does with the cases: as the standard says, or with an engine's quirks."""
    return {number: _observed(target, servers, number, case, quirks) for number, case in cases.items()}


def _observed(
    target: httpx.Client | str,
    servers: Servers,
    number: int,
    case: Case,
    quirks: Quirks | None,
) -> Observed:
    servers.start(number, case)
    page = servers.origins["page"]
    browser = Browser(target, origin="null" if case.sandboxed else page, base_url=page)
    if quirks is not None:
        quirks.prepare(browser)
    outcomes: list[Outcome] = []
    notes: list[str] = []
    fetches: list[tuple[Fetch, list[Exchange]]] = []
    for fetch in case.fetches:
        before = len(browser.history)
        outcome, note = _outcome(browser, servers, number, fetch)
        outcomes.append(outcome)
        exchanges = browser.history[before:]
        fetches.append((fetch, exchanges))
        if quirks is not None:
            quirks.after(
                browser,
                servers.real(fetch.url, number),
                fetch,
                exchanges,
                is_blocked=outcome == BLOCKED,
            )
        notes.append(note)
        notes += ["redirected"] * (sum(exchange.step == "actual" for exchange in exchanges) > 1)
        notes += ["spared a preflight"] * any(exchange.from_cache for exchange in exchanges)
    sent = servers.take(number)
    told = [exchange.request.method for exchange in browser.history.sent]
    assert told == [request.method for request in sent], f"the history of {case!r}:\n{browser.history}"
    if quirks is not None:
        sent = quirks.played(browser, fetches, sent)
    return Observed(sent, tuple(outcomes), tuple(notes))


def _outcome(browser: Browser, servers: Servers, number: int, fetch: Fetch) -> tuple[Outcome, str]:
    try:
        response = browser.fetch(
            servers.real(fetch.url, number),
            method=fetch.method,
            headers=fetch.headers,
            content=fetch.body,
            credentials=fetch.credentials,
            mode=fetch.mode,
            redirect=fetch.redirect,
        )
    except CORSBlocked as blocked:
        return BLOCKED, f"blocked at the {blocked.step}"
    except ValueError:
        return REFUSED, "refused"
    headers = tuple(
        sorted((name, servers.placeholders(value, number)) for name, value in response.headers.items())
    )
    url = servers.placeholders(response.url, number)
    outcome = Outcome(response.type, response.status_code, url, headers, response.text)
    return outcome, "opaque" if response.type.startswith("opaque") else "allowed"


def each_note(all_observed: Mapping[int, Observed]) -> Iterator[str]:
    for observed in all_observed.values():
        yield from observed.notes
