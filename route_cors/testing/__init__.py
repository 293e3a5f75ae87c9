"""The browser's side of CORS, to test any ASGI app or live server, with any CORS library.

Example:
    from route_cors.testing import Browser, CORSBlocked

    def test_only_our_front_end_may_save():
        ours = Browser(app, origin="https://app.example.com")
        assert ours.fetch("/account/7", method="PUT", json={"a": 1}).status_code == 200

        stranger = Browser(app, origin="https://evil.example")
        with pytest.raises(CORSBlocked, match="preflight.*origin"):
            stranger.fetch("/account/7", method="PUT", json={"a": 1})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from route_cors.testing.async_browser import AsyncBrowser
    from route_cors.testing.browser import Browser
    from route_cors.testing.history import CORSBlocked
    from route_cors.testing.hosts import UnknownHostError

__all__ = ["AsyncBrowser", "Browser", "CORSBlocked", "UnknownHostError"]

_MODULES = {
    "AsyncBrowser": "async_browser",
    "Browser": "browser",
    "CORSBlocked": "history",
    "UnknownHostError": "hosts",
}


# Imported at first use: pytest imports this package in every run, for its plugin.
def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"route_cors.testing needs {error.name}: pip install 'route-cors[testing]'"
        ) from error
    globals()[name] = getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    """The public names, and the modules that are loaded."""
    return sorted({*globals(), *__all__})
