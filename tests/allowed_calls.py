"""Whether a page may make a call, before and after an app was moved over."""

from __future__ import annotations

from typing import Any

from route_cors.testing import Browser, CORSBlocked

__all__ = ["may"]


def _with_cookie(app: Any) -> Any:
    """The app for a user who has a cookie: before Starlette 1.0, `*` is reflected to no other."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] != "OPTIONS":
            scope = {**scope, "headers": [*scope["headers"], (b"cookie", b"a=b")]}
        await app(scope, receive, send)

    return called


def may(app: Any, origin: str, method: str, path: str, asks: str) -> bool:
    body = {} if method in {"GET", "HEAD"} else {"Content-Type": "application/json"}
    try:
        Browser(_with_cookie(app) if asks == "credentials" else app, origin=origin).fetch(
            path,
            method=method,
            headers={"Authorization": "Bearer token", **body} if asks == "headers" else {},
            credentials="include" if asks == "credentials" else "same-origin",
        )
    except CORSBlocked:
        return False
    return True
