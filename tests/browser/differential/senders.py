"""What a page sends, whether or not it can read the answer: in Chromium and in the model of a browser.

Each case is one form, link, image, script, websocket or fetch of one page. All hosts have three cookies, one
of each SameSite. Compared is what the servers saw: Sec-Fetch-*, Origin, Cookie, and the body with its type.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import httpx

from route_cors.testing import Browser, CORSBlocked

from .cases import Answer, Case, Mode, Pasteable, Resource, Sent
from .servers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, BrowserType, CDPSession, Page

    from route_cors.testing.forms import EncType
    from route_cors.testing.referrer import ReferrerPolicy

    from .servers import Servers

By: TypeAlias = Literal["form", "link", "image", "script", "websocket", "fetch"]

NAVIGATIONS: Final = ("form", "link")
COMPARED: Final = re.compile(r"sec-fetch-.*|origin|cookie|content-type")
BOUNDARY: Final = re.compile(r"----(?:WebKitFormBoundary|geckoformboundary)\w+")


@dataclass(frozen=True, repr=False)
class Sender(Pasteable):
    """What one page sends. `url` is answered by 200 where no resource says otherwise."""

    name: str
    by: By
    url: str
    page: str = "page"
    sandboxed: bool = False
    method: Literal["GET", "POST"] = "GET"
    enctype: EncType = "application/x-www-form-urlencoded"
    data: tuple[tuple[str, str], ...] = ()
    referrer_policy: ReferrerPolicy = ""
    mode: Mode = "no-cors"
    activated: bool = False
    resources: tuple[Resource, ...] = ()
    # A redirect from another site to one's own: which cookies go along then is a difference of its own.
    leads_home: bool = False

    @property
    def case(self) -> Case:
        place = self.url.removeprefix("<").replace("><case>", "").partition("?")[0].partition("#")[0]
        return Case(self.name, (), self.resources or (Resource(place, (Answer(),)),))


SCRIPT: Final = """(sender, url) => {
    document.head.insertAdjacentHTML(
        "beforeend", `<meta name=referrer content="${sender.referrer_policy}">`);
    const loaded = (element, properties) => new Promise(resolve => {
        element.onload = element.onerror = () => resolve();
        Object.assign(element, properties);
        document.head.append(element);
    });
    switch (sender.by) {
        case "form": {
            const { method, enctype } = sender;
            const form = document.createElement("form");
            Object.assign(form, { method, enctype, action: url, acceptCharset: "utf-8" });
            for (const [name, value] of sender.data) {
                const field = document.createElement("textarea");
                form.append(Object.assign(field, { name, value }));
            }
            document.body.append(form);
            return form.submit();
        }
        case "link":
            location.href = url;
            return;
        case "image":
            return loaded(new Image(), { src: url });
        case "script":
            return loaded(document.createElement("script"), { src: url });
        case "websocket":
            return new Promise(resolve => { new WebSocket(url).onerror = () => resolve(); });
        case "fetch": {
            const { method, mode, referrer_policy: referrerPolicy } = sender;
            return fetch(url, { method, mode, referrerPolicy, credentials: "include" }).catch(() => {});
        }
    }
}"""


@contextmanager
def with_cookies_of_others(
    kind: BrowserType, path: str, profile: Path, *more: str
) -> Iterator[BrowserContext]:
    """A profile that sends the cookies of other sites, which some builds of Chromium block by default."""
    (profile / "Default").mkdir()
    preferences = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
    (profile / "Default" / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")
    arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        *more,
    ]
    with kind.launch_persistent_context(str(profile), executable_path=path, args=arguments) as context:
        yield context


def set_cookies(page: Page, servers: Servers) -> None:
    for origin in servers.origins.values():
        page.goto(f"{origin}/cookies")


def sent_by_chromium(
    page: Page, devtools: CDPSession, servers: Servers, number: int, sender: Sender
) -> tuple[Sent, ...]:
    servers.start(number, sender.case)
    path = "/sandboxed-top" if sender.sandboxed else "/top"
    # A page of its own for each policy: it is written into the page.
    opened = f"{servers.origins[sender.page]}{path}?{sender.referrer_policy}"
    if page.url != opened:
        page.goto(opened)
    if sender.by in NAVIGATIONS:
        with page.expect_navigation():
            _evaluate(devtools, servers, number, sender)
    else:
        _evaluate(devtools, servers, number, sender)
    return compared(servers.take(number), sender)


def _evaluate(devtools: CDPSession, servers: Servers, number: int, sender: Sender) -> None:
    told = told_to_the_script(sender)
    # Playwright's own `evaluate` counts as a click of the user.
    devtools.send(
        "Runtime.evaluate",
        {
            "expression": f"({SCRIPT})({json.dumps(told)}, {json.dumps(_url(servers, number, sender))})",
            "userGesture": sender.activated,
            "awaitPromise": sender.by not in NAVIGATIONS,
        },
    )


def told_to_the_script(sender: Sender) -> dict[str, Any]:
    return {name: getattr(sender, name) for name in Sender.__dataclass_fields__ if name != "resources"}


def sent_by_the_model(
    client: httpx.Client, servers: Servers, number: int, sender: Sender
) -> tuple[Sent, ...]:
    page = servers.origins[sender.page]
    browser = Browser(client, origin="null" if sender.sandboxed else page, base_url=page)
    for origin in servers.origins.values():
        browser.navigate(f"{origin}/cookies")
    servers.start(number, sender.case)
    with suppress(CORSBlocked):
        _send(browser, _url(servers, number, sender), sender)
    return compared(servers.take(number), sender)


def _send(browser: Browser, url: str, sender: Sender) -> Any:
    match sender.by:
        case "form":
            return browser.submit(
                url,
                data=sender.data,
                method=sender.method,
                enctype=sender.enctype,
                referrer_policy=sender.referrer_policy,
                user_activated=sender.activated,
            )
        case "link":
            return browser.navigate(
                url, referrer_policy=sender.referrer_policy, user_activated=sender.activated
            )
        case "image" | "script":
            return browser.embed(url, as_=sender.by)
        case "websocket":
            return browser.connect(url)
        case "fetch":
            return browser.fetch(
                url,
                method=sender.method,
                mode=sender.mode,
                credentials="include",
                referrer_policy=sender.referrer_policy,
            )


class ToThisMachine(httpx.HTTPTransport):
    """Knows all names below localhost, as browsers do; not every system's resolver does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=LOOPBACK)
        return super().handle_request(request)


def _url(servers: Servers, number: int, sender: Sender) -> str:
    url = servers.real(sender.url, number)
    return url.replace("http", "ws", 1) if sender.by == "websocket" else url


def compared(sent: tuple[Sent, ...], sender: Sender) -> tuple[Sent, ...]:
    return tuple(
        replace(
            request,
            headers=tuple(
                (name, BOUNDARY.sub("<boundary>", value))
                for name, value in request.headers
                if COMPARED.fullmatch(name) and not (sender.leads_home and name == "cookie")
            ),
            body=BOUNDARY.sub("<boundary>", request.body),
        )
        for request in sent
    )


def told(sent: tuple[Sent, ...], shows: tuple[str, ...] = ()) -> str:
    """The requests in one line each, with what says who sent them."""
    lines: list[str] = []
    for request in sent:
        headers = dict(request.headers)
        parts = [request.method, request.to, headers.get("sec-fetch-site", "")]
        parts += [f"from {headers['origin']}"] if "origin" in headers else []
        parts += [f"with {headers['cookie']}"] if "cookie" in headers else []
        parts += [f"[{name}: {headers[name]}]" for name in shows if name in headers]
        lines.append(" ".join(filter(None, parts)))
    return "\n".join(lines)
