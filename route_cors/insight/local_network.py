"""Local Network Access: Chromium asks the user before a page reaches into their network, whatever CORS says.

https://wicg.github.io/local-network-access/
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from route_cors.insight.attempt import is_websocket
from route_cors.origins import is_loopback

if TYPE_CHECKING:
    from route_cors.insight.explanation import Call

# Address spaces, from the most public one on.
_PUBLIC, _LOCAL, _LOOPBACK = range(3)
_NAMES = {_LOCAL: "an address of a private network", _LOOPBACK: "an address of the user's own machine"}


def remarks_about(call: Call) -> tuple[str, ...]:
    """What Chromium does about a call into a network that is less public than that of its page.

    It does not apply to pages that are opened in place of another one, as by links and forms. A host name is
    treated as a public address: where it leads is not known here.
    """
    served = _space_of(call.base_url)
    if call.as_ in {"form", "link"} or is_websocket(call) or served <= _space_of(call.origin):
        return ()
    host = urlsplit(call.base_url).hostname
    may_ask = "" if call.origin.startswith("https://") else "; only https pages can get permission"
    remark = (
        f"{host} is {_NAMES[served]}: Chromium (Local Network Access) asks the user first whether pages of "
        f"{call.origin} may reach it, unless their own address is at least as private{may_ask}."
    )
    return (remark,)


def _space_of(url: str) -> int:
    host = (urlsplit(url).hostname or "").rstrip(".")
    if is_loopback(host):
        return _LOOPBACK
    if host.endswith(".local"):
        return _LOCAL
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _PUBLIC
    if address.is_loopback:
        return _LOOPBACK
    return _LOCAL if address.is_private or address.is_link_local else _PUBLIC
