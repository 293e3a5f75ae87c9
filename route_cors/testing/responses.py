"""Reading the responses of an httpx or httpx2 client."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from route_cors.testing.event_stream import has_enough_events
from route_cors.testing.messages import Headers, ReceivedResponse

if TYPE_CHECKING:
    from types import ModuleType

LIBRARIES: Final = ("httpx", "httpx2")


def own_library() -> ModuleType:
    """httpx, or httpx2 in its place.

    Raises:
        ImportError: neither is installed.
    """
    for name in LIBRARIES:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError("route_cors.testing needs httpx or httpx2 here: pip install 'route-cors[testing]'")


def read_response(response: Any, most_events: int | None) -> ReceivedResponse:
    """Read a response to its end, or until there are enough events."""
    # A transport in memory may have read it already.
    if response.is_closed:
        return received(response, None)
    read = bytearray()
    for chunk in response.iter_raw():
        read += chunk
        if has_enough_events(read, most_events):
            response.close()
            break
    return received(response, bytes(read))


async def aread_response(response: Any, most_events: int | None) -> ReceivedResponse:
    """The same of an async client."""
    if response.is_closed:
        return received(response, None)
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if has_enough_events(read, most_events):
            await response.aclose()
            break
    return received(response, bytes(read))


def received(response: Any, raw: bytes | None) -> ReceivedResponse:
    """The response of the library; `raw` is the body as received, or None if the library has read it."""
    headers = Headers.from_bytes(response.headers.raw)
    content = response.content if raw is None else decompressed(headers, raw)
    return ReceivedResponse(response.status_code, headers, content)


def received_handshake(response: Any) -> ReceivedResponse:
    """The same of the handshake of a websocket.

    Raises:
        TypeError: the client has no network.
    """
    if "network_stream" not in response.extensions:
        raise TypeError("this client has no network, so no websockets: give the browser the app itself")
    return received(response, b"")


def decompressed(headers: Headers, raw: bytes) -> bytes:
    """The body after decoding its Content-Encoding, or the bytes as they are if that fails."""
    encoding = headers.get("content-encoding")
    if encoding is None:
        return raw
    library: Any = own_library()
    try:
        content: bytes = library.Response(200, headers={"content-encoding": encoding}, content=raw).content
    except library.DecodingError:
        return raw
    return content
