"""Cases in a real engine: many of them in one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .cases import BLOCKED, REFUSED, Answer, Case, Fetch, Observed, Outcome
from .harness import BLANK, HTML, Work, done_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from browser.engines import Engine

    from .servers import Servers

# A batch gets a profile of its own: Chromium and Firefox keep 180 cookies of a host and no more. These cases
# set a hundred at most.
BATCH: Final = 200
SECONDS: Final = 120

# A few cases at a time, each of them one fetch after the other: a preflight is remembered for five seconds
# where the server names no time, and a case must not wait for a hundred others in between.
FETCHES: Final = """
    const init = given => given.bytes ? { ...given.init, body: Uint8Array.from(given.bytes) } : given.init;
    const isRefused = given => {
        try { new Request(given.url, init(given)); return false; } catch { return true; }
    };
    const attempt = async given => {
        try {
            const response = await fetch(given.url, init(given));
            const { status, type, url, headers } = response;
            return { status, type, url, headers: [...headers], text: await response.text() };
        } catch (error) {
            return { error: String(error), refused: isRefused(given) };
        }
    };
    const fetchAll = async cases => {
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
    };
"""
SANDBOXED: Final = f"""{BLANK}<script>{FETCHES}
    onmessage = async ({{ data }}) => parent.postMessage(await fetchAll(data), "*");
</script>"""
TOP: Final = f"""{BLANK}<iframe sandbox=allow-scripts src=sandboxed></iframe><script>{FETCHES}
    const post = seen => fetch("seen", {{ method: "POST", body: JSON.stringify(seen) }});
    const inTheFrame = cases => new Promise(resolve => {{
        onmessage = ({{ data }}) => resolve(data);
        frames[0].postMessage(cases, "*");
    }});
    const all = async () => {{
        const {{ top, sandboxed }} = await (await fetch("work")).json();
        const seen = {{ top: await fetchAll(top), sandboxed: await inTheFrame(sandboxed) }};
        return {{ language: navigator.language, seen }};
    }};
    onload = () => all().catch(error => ({{ error: String(error) }})).then(post);
</script>"""

DOCUMENTS: Final = {
    "top": Answer(headers=HTML, body=TOP),
    "sandboxed": Answer(headers=HTML, body=SANDBOXED),
}


def in_engine(engine: Engine, servers: Servers, cases: Mapping[int, Case]) -> dict[int, Observed]:
    numbers = list(cases)
    observed: dict[int, Observed] = {}
    for start in range(0, len(numbers), BATCH):
        batch = {number: cases[number] for number in numbers[start : start + BATCH]}
        for number, case in batch.items():
            servers.start(number, case)
        outcomes = dict(_outcomes(engine, servers, batch))
        observed |= {number: Observed(servers.take(number), outcomes[number]) for number in batch}
    return observed


def _outcomes(
    engine: Engine, servers: Servers, batch: Mapping[int, Case]
) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
    frames = {
        frame: [number for number, case in batch.items() if case.sandboxed is of_this_frame]
        for frame, of_this_frame in (("top", False), ("sandboxed", True))
    }
    told = {
        frame: [[_arguments(fetch, servers, number) for fetch in batch[number].fetches] for number in numbers]
        for frame, numbers in frames.items()
    }
    name = f"cases {min(batch)} to {max(batch)}"
    seen = done_by(engine, servers, Work(name, lambda _: DOCUMENTS, told, SECONDS))
    for frame, numbers in frames.items():
        yield from _of_frame(servers, numbers, seen[frame])


def _of_frame(
    servers: Servers, numbers: Sequence[int], results: Sequence[Sequence[Mapping[str, Any]]]
) -> Iterator[tuple[int, tuple[Outcome, ...]]]:
    for number, result in zip(numbers, results, strict=True):
        yield number, tuple(_outcome(each, servers, number) for each in result)


def _arguments(fetch: Fetch, servers: Servers, number: int) -> dict[str, Any]:
    init: dict[str, Any] = {
        "method": fetch.method,
        "headers": [list(header) for header in fetch.headers],
        "credentials": fetch.credentials,
        "mode": fetch.mode,
        "redirect": fetch.redirect,
    }
    given: dict[str, Any] = {"url": servers.real(fetch.url, number), "init": init}
    if isinstance(fetch.body, str):
        init["body"] = fetch.body
    if isinstance(fetch.body, bytes):
        given["bytes"] = list(fetch.body)
    return given


def _outcome(seen: Mapping[str, Any], servers: Servers, number: int) -> Outcome:
    error = seen.get("error")
    if error is not None:
        assert error.startswith("TypeError: "), error
        return REFUSED if seen["refused"] else BLOCKED
    headers = tuple(sorted((name, servers.placeholders(value, number)) for name, value in seen["headers"]))
    return Outcome(
        seen["type"], seen["status"], servers.placeholders(seen["url"], number), headers, seen["text"]
    )
