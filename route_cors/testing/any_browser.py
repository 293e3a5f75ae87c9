"""What `Browser` and `AsyncBrowser` share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Never, Self

from route_cors.testing.cache import PreflightCache
from route_cors.testing.cookies import Cookies
from route_cors.testing.engines import engine_named
from route_cors.testing.event_source import subscription
from route_cors.testing.fetch import embed, fetch, navigate
from route_cors.testing.forms import build_embed, build_navigation, build_submission
from route_cors.testing.handshake import connect, websocket_url
from route_cors.testing.history import CORSBlocked, History
from route_cors.testing.hosts import are_hosts, checked_hosts
from route_cors.testing.page import Page
from route_cors.testing.request import build_request
from route_cors.testing.unapplied import unapplied_policy
from route_cors.testing.urls import parse_page_origin, parse_url, parse_web_url
from route_cors.testing.wires import app_at, base_url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from route_cors.testing.engines import EngineName
    from route_cors.testing.event_source import Subscription
    from route_cors.testing.fetch import NavigationSteps, Steps
    from route_cors.testing.forms import EmbedAs
    from route_cors.testing.handshake import Handshake
    from route_cors.testing.messages import ReceivedResponse, SentRequest
    from route_cors.testing.request import Body, HeadersInit
    from route_cors.testing.urls import Url

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)


class AnyBrowser(ABC):
    """A browser, without the part that sends the requests."""

    def __init__(
        self,
        target: Any,
        *,
        origin: str,
        base_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        show_secrets: bool = False,
        engine: EngineName = "standard",
        **unknown: Never,
    ) -> None:
        _refuse(unknown)
        if not isinstance(show_secrets, bool):
            raise TypeError(f"show_secrets: {show_secrets!r}: must be True or False")
        if not isinstance(origin, str):
            raise TypeError(
                f"origin: {origin!r}: must be the origin of a page, such as 'https://app.example.com'"
            )
        parse_page_origin(origin)
        self._target = checked_hosts(target) if are_hosts(target) else target
        base = base_url if base_url is not None else base_url_of(self._target)
        self._base = None if base is None else _checked_base(base, self._target)
        self._connect_to(self._target)
        self._clock = clock
        self._engine_name: EngineName = engine
        played = engine_named(engine)
        self._page = Page(
            origin=origin,
            url=None if origin == "null" else parse_url(origin),
            cookies=Cookies(self._base, played),
            preflight_cache=PreflightCache(clock, played),
            history=History(),
            show_secrets=show_secrets,
            unapplied=self._unapplied,
            engine=played,
        )

    @abstractmethod
    def _connect_to(self, target: Any) -> None:
        """Make the wire to the target, or raise a TypeError."""

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return self._page.origin

    @property
    def history(self) -> History:
        """The requests that were sent, and their responses."""
        return self._page.history

    @property
    def cookies(self) -> Cookies:
        """The cookie jar."""
        return self._page.cookies

    @property
    def preflight_cache(self) -> PreflightCache:
        """The preflight cache."""
        return self._page.preflight_cache

    def page(self, *, origin: str) -> Self:
        """Open another page in the same browser: with its cookies and preflight cache, and its own history.

        Args:
            origin: of the other page.

        Raises:
            ValueError: `origin` is not the origin of a page.

        Example:
            ours.fetch("/login", method="POST", json={"user": "ada"}, credentials="include")
            stranger = ours.page(origin="https://evil.example")
            with pytest.raises(CORSBlocked):
                stranger.fetch("/account", credentials="include")
        """
        other = type(self)(
            self._target,
            origin=origin,
            base_url=None if self._base is None else self._base.href,
            clock=self._clock,
            show_secrets=self._page.show_secrets,
            engine=self._engine_name,
        )
        own = other._page  # noqa: SLF001 - of the same class
        other._page = replace(own, cookies=self.cookies, preflight_cache=self.preflight_cache)  # noqa: SLF001
        return other

    def _fetch_steps(
        self, url: str, method: str, headers: HeadersInit | None, body: Body, **as_in_javascript: Any
    ) -> Steps:
        request = build_request(
            url,
            base=self._base,
            method=method,
            headers=headers,
            body=body,
            engine=self._page.engine,
            **as_in_javascript,
        )
        return fetch(self._page, request)

    def _subscription(self, url: str, *, with_credentials: bool, most: int | None) -> Subscription:
        return subscription(self._page, url, base=self._base, with_credentials=with_credentials, most=most)

    def _submit_steps(self, url: str, **of_the_form: Any) -> NavigationSteps:
        return navigate(self._page, build_submission(url, base=self._base, **of_the_form))

    def _navigate_steps(self, url: str, **of_the_link: Any) -> NavigationSteps:
        return navigate(self._page, build_navigation(url, base=self._base, **of_the_link))

    def _embed_steps(self, url: str, as_: EmbedAs) -> Steps:
        return embed(self._page, build_embed(url, base=self._base, as_=as_))

    def _connect_steps(
        self, url: str, subprotocols: Sequence[str]
    ) -> Generator[SentRequest, ReceivedResponse, Handshake]:
        return connect(self._page, websocket_url(url, self._base), subprotocols)

    def _unapplied(self, sent: SentRequest) -> str | None:
        return unapplied_policy(app_at(self._target, sent.url), sent)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.origin}>"


def _refuse(unknown: Mapping[str, object]) -> None:
    if "private_network" in unknown:
        raise TypeError(
            "private_network: browsers have dropped the headers of Private Network Access: remove it"
        )
    if unknown:
        raise TypeError(f"{', '.join(map(repr, unknown))}: a browser has no such argument")


def _checked_base(text: str, target: Any) -> Url:
    fault = f"base_url: {text!r}: must be an http or https URL, without a username and password"
    base = parse_web_url(text, fault)
    if are_hosts(target) and base.origin not in target:
        raise ValueError(
            f"base_url: {text!r}: no server of the mapping answers for it; add {base.origin!r}: ... to it"
        )
    return base
