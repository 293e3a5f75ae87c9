"""Cases in a headless Chromium: many of them in one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .cases import BLOCKED, REFUSED, Case, Fetch, Observed, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from playwright.sync_api import Browser, Frame, Page

    from .servers import Servers

# A batch gets a browser profile of its own: Chromium keeps 180 cookies of a host and no more. These cases set
# a hundred at most.
BATCH: Final = 200

# A few cases at a time, each of them one fetch after the other: a preflight is remembered for five seconds
# where the server names no time, and a case must not wait for a hundred others in between.
SCRIPT: Final = """async (cases) => {
    const attempt = async ([url, init, bytes]) => {
        try {
            if (bytes) init.body = Uint8Array.from(bytes);
            const response = await fetch(url, init);
            const { status, type, headers } = response;
            return { status, type, url: response.url, headers: [...headers], text: await response.text() };
        } catch (error) {
            return { error: `${error.name}: ${error.message}` };
        }
    };
    const results = [];
    let next = 0;
    const work = async () => {
        while (next < cases.length) {
            const number = next++;
            results[number] = [];
            for (const one of cases[number]) results[number].push(await attempt(one));
        }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    return results;
}"""


def in_chromium(browser: Browser, servers: Servers, cases: Mapping[int, Case]) -> dict[int, Observed]:
    numbers = list(cases)
    observed: dict[int, Observed] = {}
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        for number in batch:
            servers.start(number, cases[number])
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(servers.origins["page"])
            outcomes = dict(_outcomes(page, servers, {number: cases[number] for number in batch}))
        observed |= {number: Observed(servers.take(number), outcomes[number]) for number in batch}
    return observed


def _outcomes(
    page: Page, servers: Servers, cases: Mapping[int, Case]
) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
    top, sandboxed = page.frames
    for frame, of_this_frame in ((top, False), (sandboxed, True)):
        numbers = [number for number, case in cases.items() if case.sandboxed is of_this_frame]
        yield from _in_frame(frame, servers, numbers, cases)


def _in_frame(
    frame: Frame, servers: Servers, numbers: Sequence[int], cases: Mapping[int, Case]
) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
    scripts = [[_arguments(fetch, servers, number) for fetch in cases[number].fetches] for number in numbers]
    results = frame.evaluate(SCRIPT, scripts)
    for number, result in zip(numbers, results, strict=True):
        yield number, tuple(_outcome(seen, servers, number) for seen in result)


def _arguments(fetch: Fetch, servers: Servers, number: int) -> tuple[str, dict[str, Any], list[int] | None]:
    init: dict[str, Any] = {
        "method": fetch.method,
        "headers": [list(header) for header in fetch.headers],
        "credentials": fetch.credentials,
        "mode": fetch.mode,
        "redirect": fetch.redirect,
    }
    if isinstance(fetch.body, str):
        init["body"] = fetch.body
    return servers.real(fetch.url, number), init, list(fetch.body) if isinstance(fetch.body, bytes) else None


def _outcome(seen: Mapping[str, Any], servers: Servers, number: int) -> Outcome:
    error = seen.get("error")
    if error is not None:
        assert error.startswith("TypeError: "), error
        return BLOCKED if error == "TypeError: Failed to fetch" else REFUSED
    headers = tuple(sorted((name, servers.placeholders(value, number)) for name, value in seen["headers"]))
    return Outcome(
        seen["type"], seen["status"], servers.placeholders(seen["url"], number), headers, seen["text"]
    )
