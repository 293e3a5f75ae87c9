"""The arguments of a CORSMiddleware, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.middleware.cors import CORSMiddleware

_DEFAULT_MAX_AGE = "600"
_ALLOW_METHODS = "Access-Control-Allow-Methods"


class DescribedCORS(TypedDict):
    """The arguments of a CORSMiddleware as data. The keys are their names."""

    allow_origins: list[str]
    allow_origin_regex: str | None
    allow_methods: list[str]
    allow_headers: list[str]
    expose_headers: list[str]
    allow_credentials: bool
    max_age: str
    allow_private_network: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CORSArguments:
    """The arguments of a CORSMiddleware, read from an instance, for all versions of Starlette alike.

    Attributes:
        allow_origins: as they were given; a str if a bare string was given in place of a list.
        allow_origin_regex: its pattern, which has to match the whole origin.
        allow_methods: the methods that preflights grant.
        allow_headers: in lower case, including those that are always allowed; `*` for any.
        expose_headers: response headers that pages may read.
        allow_credentials: whether credentials are allowed. With `*`, any origin is then reflected.
        max_age: seconds, as they are sent.
        allow_private_network: whether public sites may call a private address.
    """

    allow_origins: str | tuple[str, ...]
    allow_origin_regex: str | None
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: str
    allow_private_network: bool

    @classmethod
    def of(cls, middleware: CORSMiddleware) -> CORSArguments:
        """Read the arguments of an instance."""
        origins = middleware.allow_origins
        regex = middleware.allow_origin_regex
        exposed = middleware.simple_headers.get("Access-Control-Expose-Headers", "")
        return cls(
            allow_origins=origins if isinstance(origins, str) else _texts(origins),
            allow_origin_regex=None if regex is None else regex.pattern,
            allow_methods=_texts(middleware.allow_methods),
            allow_headers=("*",) if middleware.allow_all_headers else _texts(middleware.allow_headers),
            expose_headers=tuple(filter(None, exposed.split(", "))),
            allow_credentials="Access-Control-Allow-Credentials" in middleware.simple_headers,
            max_age=middleware.preflight_headers["Access-Control-Max-Age"],
            # Added in Starlette 0.51.
            allow_private_network=getattr(middleware, "allow_private_network", False),
        )

    @property
    def any_origin(self) -> bool:
        """Whether every origin is allowed by `*`."""
        return "*" in self.allow_origins

    @property
    def added_headers(self) -> list[str]:
        """The request-headers that it allows in addition to those that are always allowed."""
        return [name for name in self.allow_headers if name not in _ALWAYS_ALLOWED]

    def origins_in_words(self) -> str:
        """The allowed origins, in a few words."""
        if self.any_origin:
            return "any origin, reflected" if self.allow_credentials else "any origin"
        bare = isinstance(self.allow_origins, str)
        listed = [f"any part of the text {self.allow_origins!r}"] if bare else [*self.allow_origins]
        if self.allow_origin_regex is not None:
            listed.append(f"regex: {self.allow_origin_regex}")
        return ", ".join(listed) or "no other origin"

    def in_words(self) -> str:
        """All arguments on one line, without what is not granted."""
        parts = [self.origins_in_words()]
        if self.allow_credentials:
            parts.append("credentials")
        parts.append(f"methods {', '.join(self.allow_methods) or 'none'}")
        added = self.added_headers
        if added:
            parts.append(f"headers {', '.join(added)}")
        if self.expose_headers:
            parts.append(f"exposes {', '.join(self.expose_headers)}")
        if self.max_age != _DEFAULT_MAX_AGE:
            parts.append(f"max age {self.max_age} s")
        if self.allow_private_network:
            parts.append("private network")
        return "; ".join(parts)

    def described(self) -> DescribedCORS:
        """The arguments as JSON-compatible data."""
        bare = isinstance(self.allow_origins, str)
        return DescribedCORS(
            allow_origins=[str(self.allow_origins)] if bare else [*self.allow_origins],
            allow_origin_regex=self.allow_origin_regex,
            allow_methods=[*self.allow_methods],
            allow_headers=[*self.allow_headers],
            expose_headers=[*self.expose_headers],
            allow_credentials=self.allow_credentials,
            max_age=self.max_age,
            allow_private_network=self.allow_private_network,
        )


_ALWAYS_ALLOWED = frozenset(name.lower() for name in ALWAYS_ALLOWED_REQUEST_HEADERS)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    # The order of a set is not stable.
    ordered = sorted(values, key=str) if isinstance(values, set | frozenset) else values
    return tuple(map(str, ordered))
