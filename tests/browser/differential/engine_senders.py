"""What pages send, in a real engine: one document leads to the next until all is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .cases import Answer, Case, Resource
from .harness import BLANK, HTML, Work, done_by
from .senders import NAVIGATIONS, SCRIPT, told_to_the_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from browser.engines import Engine

    from .cases import Sent
    from .senders import Sender
    from .servers import Servers

SECONDS: Final = 120
SANDBOX: Final = ("Content-Security-Policy", "sandbox allow-scripts allow-forms")
COOKIES: Final = (
    ("Set-Cookie", "strict=1; SameSite=Strict; Path=/"),
    ("Set-Cookie", "lax=1; SameSite=Lax; Path=/"),
    ("Set-Cookie", "none=1; SameSite=None; Secure; Path=/"),
)
LAST: Final = """<script>
    const seen = JSON.stringify({ language: navigator.language, seen: null });
    fetch("seen", { method: "POST", body: seen });
</script>"""


def sent_by_engine(
    engine: Engine, servers: Servers, senders: Mapping[int, Sender]
) -> dict[int, tuple[Sent, ...]]:
    """What the servers saw, by the numbers of the senders."""
    steps = _Steps(servers, senders)
    done_by(
        engine, servers, Work(f"senders {min(senders)} to {max(senders)}", steps.documents, None, SECONDS)
    )
    return {number: servers.take(number) for number in senders}


class _Steps:
    """The documents of one run. Each knows where the next one is."""

    def __init__(self, servers: Servers, senders: Mapping[int, Sender]) -> None:
        self._servers = servers
        self._senders = senders

    def documents(self, prefix: str) -> dict[str, Answer]:
        origins = self._servers.origins
        # The first is on the page's own origin, under the name that an engine is opened with.
        places = [("page", "top"), *((role, f"cookies-{role}") for role in origins)]
        places += [(sender.page, f"step-{number}") for number, sender in self._senders.items()]
        places.append(("page", "last"))
        urls = [f"{origins[role]}{prefix}/{name}" for role, name in places]
        documents = dict(self._each(dict(zip((name for _, name in places), urls[1:], strict=False))))
        return {**documents, "last": Answer(headers=HTML, body=f"{BLANK}{LAST}")}

    def _each(self, following: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        yield "top", _leading_to(following["top"])
        for role in self._servers.origins:
            name = f"cookies-{role}"
            yield name, _leading_to(following[name], *COOKIES)
        for number, sender in self._senders.items():
            name = f"step-{number}"
            self._servers.start(number, _case(sender, following[name]))
            yield name, self._step(number, sender, following[name])

    def _step(self, number: int, sender: Sender, following: str) -> Answer:
        url = self._servers.real(sender.url, number)
        if sender.by == "websocket":
            url = url.replace("http", "ws", 1)
        given = ", ".join(map(_literal, (told_to_the_script(sender), url)))
        then = "" if sender.by in NAVIGATIONS else f".then(() => location.replace({_literal(following)}))"
        script = f"onload = () => Promise.resolve(({SCRIPT})({given})){then};"
        headers = (*HTML, SANDBOX) if sender.sandboxed else HTML
        return Answer(headers=headers, body=f"{BLANK}<body><script>{script}</script>")


def _leading_to(url: str, *headers: tuple[str, str]) -> Answer:
    script = f"<script>onload = () => location.replace({_literal(url)})</script>"
    return Answer(headers=(*HTML, *headers), body=f"{BLANK}{script}")


def _literal(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")


def _case(sender: Sender, following: str) -> Case:
    """The sender's case, whose documents lead on where it navigates to them."""
    case = sender.case
    if sender.by not in NAVIGATIONS:
        return case
    return replace(case, resources=tuple(_leading(each, following) for each in case.resources))


def _leading(resource: Resource, following: str) -> Resource:
    onward = _leading_to(following)
    answers = (
        replace(each, headers=each.headers + onward.headers, body=onward.body) if each.status == 200 else each
        for each in resource.actual
    )
    return replace(resource, actual=tuple(answers))
