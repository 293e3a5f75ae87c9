"""What an engine does with nearly everything that a page sends, played on what the model sent.

Each has a case among the differences, of fetch() or of the senders.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .senders import NAVIGATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from browser.engines import Name

    from .cases import Sent
    from .senders import Sender

    Played = Callable[[Sender, int, tuple[Sent, ...]], Sent]

OF_ITS_SITE: Final = {"page": ("page", "a"), "name": ("name", "below")}


def played(engine: Name, sender: Sender, sent: tuple[Sent, ...]) -> tuple[Sent, ...]:
    return tuple(PLAYED[engine](sender, place, sent) for place in range(len(sent)))


def _by_chromium(sender: Sender, place: int, sent: tuple[Sent, ...]) -> Sent:
    """A websocket's handshake says nothing of who sends it."""
    if sender.by != "websocket":
        return sent[place]
    metadata = (name for name, _ in sent[place].headers if name.startswith("sec-fetch-"))
    return _with(sent[place], dict.fromkeys(metadata))


def _by_firefox(_: Sender, place: int, sent: tuple[Sent, ...]) -> Sent:
    """After a redirect everything is cross-site that has not been the page's own origin throughout."""
    is_other = place > 0 and _header(sent[place], "sec-fetch-site") == "same-site"
    return _with(sent[place], {"sec-fetch-site": "cross-site"}) if is_other else sent[place]


def _by_webkit(sender: Sender, place: int, sent: tuple[Sent, ...]) -> Sent:
    """Its cookies, an Origin that is kept by a redirect to GET, and the destination of a websocket."""
    cookies = [each for each in _header(sent[place], "cookie").split("; ") if each not in {"", "none=1"}]
    is_embedded = sender.sandboxed and sender.by not in NAVIGATIONS
    is_of_its_site = sent[place].to.partition("/")[0] in OF_ITS_SITE[sender.page]
    if is_embedded and is_of_its_site and _header(sent[place], "cookie"):
        cookies = ["strict=1", "lax=1"]
    changes: dict[str, str | None] = {"cookie": "; ".join(cookies) or None}
    if sender.by == "websocket":
        changes["sec-fetch-dest"] = "websocket"
    stays = sent[place].to.partition("/")[0] == sent[0].to.partition("/")[0]
    if sender.by == "fetch" and stays and sent[place].method != sent[0].method:
        changes["origin"] = _header(sent[place], "origin") or _header(sent[0], "origin") or None
    return _with(sent[place], changes)


def _header(sent: Sent, name: str) -> str:
    return dict(sent.headers).get(name, "")


def _with(sent: Sent, changes: Mapping[str, str | None]) -> Sent:
    headers = {**dict(sent.headers), **changes}
    lines = ((name, value) for name, value in headers.items() if value is not None)
    return replace(sent, headers=tuple(sorted(lines)))


PLAYED: Final[Mapping[Name, Played]] = {
    "chromium": _by_chromium,
    "firefox": _by_firefox,
    "webkit": _by_webkit,
}
