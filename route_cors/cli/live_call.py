"""One call of a page to a running server, bounded in time and in size.

The browser is that of `route_cors.testing`. What it sends goes through a transport that holds back a request
that may change something, waits for a limited time, and reads only the beginning of a body.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from route_cors.cli.errors import CommandError, one_line
from route_cors.insight.printable import shortened
from route_cors.origins import is_loopback
from route_cors.senders import SAFE_METHODS
from route_cors.testing.async_browser import AsyncBrowser
from route_cors.testing.history import CORSBlocked
from route_cors.testing.responses import own_library
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.testing.engines import EngineName
    from route_cors.testing.history import Exchange

# Enough for what a CORS library says of a refusal. A body may be endless.
_MOST_READ: Final = 1024
# Some servers refuse requests without one, whatever their CORS policy is.
_USER_AGENT: Final = "route-cors"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call of `fetch` to a running server.

    Args:
        url: whole, http or https.
        origin: of the page.
        method: normalized.
        headers: that the script sets.
        credentials: whether the script asks for credentials.
        engine: of the browser.
        timeout: seconds for each response.
        sends: whether a request is sent that may change something on the server.
    """

    url: str
    origin: str
    method: str
    headers: Sequence[tuple[str, str]]
    credentials: bool
    engine: EngineName
    timeout: int
    sends: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call.

    Args:
        exchanges: with the server, oldest first.
        blocked: why a browser blocks the call; None if it does not.
        is_held_back: whether a request that may change something was not sent.
    """

    exchanges: Sequence[Exchange]
    blocked: CORSBlocked | None
    is_held_back: bool

    @property
    def allowed(self) -> bool | None:
        """Whether nothing blocks the call; None if no response says so."""
        if self.blocked is not None:
            return False
        return None if self.is_held_back and not self.exchanges else True


def make_call(call: LiveCall) -> Outcome:
    """Make a call, as a page in a browser does.

    Raises:
        CommandError: no browser can make such a call, or the server does not answer.
    """
    try:
        return anyio.run(_make, own_library(), call)
    except (ImportError, OSError, ValueError) as error:
        # A package or the certificates are missing, or a proxy's URL or an argument of fetch is not valid.
        raise CommandError(" ".join(str(error).split())) from error


class _HeldBack(Exception):  # noqa: N818 - no error: what the user asked for
    """A request that may change something was not sent."""


async def _make(library: Any, call: LiveCall) -> Outcome:
    # Browsers do not use a proxy for this machine.
    trust_env = not is_loopback(parse_url(call.url).host)
    async with library.AsyncClient(trust_env=trust_env) as client:
        transport = _Transport(library, client, timeout=call.timeout, sends=call.sends)
        careful = library.AsyncClient(transport=transport, timeout=None)
        browser = AsyncBrowser(careful, origin=call.origin, base_url=call.url, engine=call.engine)
        blocked: CORSBlocked | None = None
        is_held_back = False
        try:
            await browser.fetch(
                call.url,
                method=call.method,
                headers=call.headers,
                credentials="include" if call.credentials else "same-origin",
            )
        except CORSBlocked as error:
            blocked = error
        except _HeldBack:
            is_held_back = True
        except library.InvalidURL as error:
            raise CommandError(one_line(error)) from error
        return Outcome(browser.history.sent, blocked, is_held_back)


class _Transport:
    """A transport of httpx around those of a client."""

    def __init__(self, library: Any, client: Any, *, timeout: int, sends: bool) -> None:
        self._library = library
        self._client = client
        self._timeout = timeout
        self._sends = sends

    async def handle_async_request(self, request: Any) -> Any:
        if request.method not in SAFE_METHODS and not self._sends:
            raise _HeldBack
        request.headers.setdefault("user-agent", _USER_AGENT)
        # There is no public access to a client's transports, which know the proxies.
        transport = self._client._transport_for_url(request.url)  # noqa: SLF001
        try:
            with anyio.fail_after(self._timeout):
                response = await transport.handle_async_request(request)
        except TimeoutError as error:
            said = f"no response within {self._timeout} s; --timeout waits longer"
            raise CommandError(f"{_named(request)}: {said}") from error
        except (self._library.HTTPError, OSError) as error:
            raise CommandError(f"{_named(request)}: {_what_failed(error)}") from error
        response.stream = self._library.ByteStream(await self._beginning(response))
        return response

    async def _beginning(self, response: Any) -> bytes:
        """The first bytes of a body, as far as they arrive. Whether a page may read it is known without."""
        body = b""
        with anyio.move_on_after(self._timeout), suppress(self._library.HTTPError):
            async with aclosing(aiter(response.stream)) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) >= _MOST_READ:
                        break
        await response.stream.aclose()
        # A few compressed bytes may stand for gigabytes.
        return b"" if "content-encoding" in response.headers else body[:_MOST_READ]


def _named(request: Any) -> str:
    return f"{request.method} {shortened(str(request.url))}"


def _what_failed(error: BaseException) -> str:
    for each in _with_causes(error):
        match each:
            case socket.gaierror():
                return f"there is no such host ({each.strerror})"
            case ConnectionRefusedError():
                return "the connection was refused"
            case ssl.SSLError():
                return f"TLS failed: {each.strerror}"
            case _:
                continue
    return one_line(error)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
