"""The libraries, and what each does not offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBJECTS", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A library.

    Args:
        name: of its module in subjects/.
        title: its own name.
        distributions: whose versions are told, its own first.
        cannot: why not, by the name of a setup or of a scenario.
    """

    name: str
    title: str
    distributions: tuple[str, ...]
    cannot: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, setup: str, scenario: str) -> str | None:
        """Why the library does not offer this; None if it does."""
        return self.cannot.get(scenario, self.cannot.get(setup))


_NO_WEBSOCKETS: Final = "it does not look at websockets"
_NO_PATTERNS: Final = "it has no patterns of origins"
_NO_COOKIES: Final = "it cannot allow cookies"
_ONE_POLICY: Final = "it has one policy for the whole app"

SUBJECTS: Final = (
    Subject("route_cors", "route_cors", ("route-cors", "fastapi", "starlette")),
    Subject("starlette", "Starlette", ("starlette",), {"websocket": _NO_WEBSOCKETS}),
    Subject(
        "asgi_cors",
        "asgi-cors",
        ("asgi-cors", "starlette"),
        {
            **dict.fromkeys(("two", "any-cookies", "null-cookies", "nobody"), _NO_COOKIES),
            **dict.fromkeys(("any-header", "any-method", "any-exposed"), _NO_COOKIES),
            "fresh": "with max_age no response arrives: its header is a string, where ASGI has bytes",
            "exposed-header": "it cannot expose headers",
            "exposed-on-an-error": "it cannot expose headers",
            "regex": "it has no regular expressions",
            "websocket": _NO_WEBSOCKETS,
            "routes": _ONE_POLICY,
        },
    ),
    Subject("flask_cors", "flask-cors", ("flask-cors", "flask"), {"websocket": "Flask has no websockets"}),
    Subject("quart_cors", "quart-cors", ("quart-cors", "quart")),
    Subject(
        "django_cors_headers",
        "django-cors-headers",
        ("django-cors-headers", "django"),
        {
            "any-header": "its headers are named",
            "any-method": "its methods are named",
            "raised-418": "Django has exceptions for 400, 403 and 404 alone",
            "websocket": _NO_WEBSOCKETS,
            "routes": f"{_ONE_POLICY}; a regular expression says which paths have it",
        },
    ),
    Subject("litestar", "litestar", ("litestar",), {"websocket": _NO_WEBSOCKETS, "routes": _ONE_POLICY}),
    Subject(
        "blacksheep",
        "blacksheep",
        ("blacksheep",),
        {"subdomains": _NO_PATTERNS, "regex": _NO_PATTERNS, "websocket": _NO_WEBSOCKETS},
    ),
    Subject(
        "aiohttp_cors",
        "aiohttp-cors",
        ("aiohttp-cors", "aiohttp"),
        {
            "options-of-the-app": "a path has either its preflights or a handler of OPTIONS",
            "options-after-a-preflight": "a path has either its preflights or a handler of OPTIONS",
            "subdomains": _NO_PATTERNS,
            "regex": _NO_PATTERNS,
            "string": "its origins are the keys of a mapping",
            "websocket": _NO_WEBSOCKETS,
        },
    ),
)
