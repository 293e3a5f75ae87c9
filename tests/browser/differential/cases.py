"""A case: a page, the fetches of its script, and servers that answer by script. Pure data, to be pasted.

Texts hold these placeholders:

    <page> <a> <b> <far>        the origins of the servers; <far> is another host, and so another site
    <name> <below> <other>      a name, another one below it and so of its site, and one of another site
    <page:host> and so on       the same without the scheme
    <case>                      the prefix of all paths of this case
    <origin> <method> <names>   what the request names in Origin, Access-Control-Request-Method and
                                Access-Control-Request-Headers; without it the whole header line is left out
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Literal, TypeAlias

Header: TypeAlias = tuple[str, str]
Headers: TypeAlias = tuple[Header, ...]
Credentials: TypeAlias = Literal["omit", "same-origin", "include"]
Mode: TypeAlias = Literal["cors", "no-cors", "same-origin"]
Redirect: TypeAlias = Literal["follow", "error", "manual"]


class Pasteable:
    """Shows what differs from the defaults, as the call that makes it."""

    def __repr__(self) -> str:
        shown: list[str] = []
        for each in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, each.name)
            if each.default is MISSING or value != each.default:
                shown.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Answer(Pasteable):
    """What a server sends. Headers go out as they are, in Latin-1; a length and `no-store` are added."""

    status: int = 200
    headers: Headers = ()
    body: str = "body"


@dataclass(frozen=True, repr=False)
class Resource(Pasteable):
    """A path of one server, such as "a/x". The nth request gets the nth answer, later ones the last."""

    at: str
    actual: tuple[Answer, ...] = (Answer(),)
    preflight: tuple[Answer, ...] = (Answer(404),)


@dataclass(frozen=True, repr=False)
class Fetch(Pasteable):
    """The arguments of one fetch(). A body of bytes brings no Content-Type."""

    url: str
    method: str = "GET"
    headers: Headers = ()
    body: str | bytes | None = None
    credentials: Credentials = "same-origin"
    mode: Mode = "cors"
    redirect: Redirect = "follow"


@dataclass(frozen=True, repr=False)
class Case(Pasteable):
    """Fetches of one page, one after the other. A sandboxed page has the origin `null`."""

    name: str
    fetches: tuple[Fetch, ...]
    resources: tuple[Resource, ...]
    sandboxed: bool = False


@dataclass(frozen=True, repr=False)
class Sent(Pasteable):
    """A request as a server saw it, with the headers that CORS is about."""

    to: str
    method: str
    headers: Headers = ()
    body: str = ""

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and any(
            name == "access-control-request-method" for name, _ in self.headers
        )


@dataclass(frozen=True, repr=False)
class Outcome(Pasteable):
    """What the script got: a response, or an error before ("refused") or after ("blocked") it was sent."""

    type: Literal["refused", "blocked", "basic", "cors", "opaque", "opaqueredirect"]
    status: int = 0
    url: str = ""
    headers: Headers = ()
    text: str = ""


BLOCKED = Outcome("blocked")
REFUSED = Outcome("refused")


@dataclass(frozen=True, repr=False)
class Observed(Pasteable):
    """What one browser did with a case."""

    sent: tuple[Sent, ...]
    outcomes: tuple[Outcome, ...]
    # What only the model can tell: where a fetch was blocked, and whether the preflight cache had a part.
    notes: tuple[str, ...] = field(default=(), compare=False)


def allowing(
    origin: str | None = "<origin>",
    *,
    credentials: str | None = None,
    methods: str | None = None,
    names: str | None = None,
    max_age: str | None = None,
    expose: str | None = None,
) -> Headers:
    """The header lines of the CORS protocol."""
    lines = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": credentials,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": names,
        "Access-Control-Max-Age": max_age,
        "Access-Control-Expose-Headers": expose,
    }
    return tuple((name, value) for name, value in lines.items() if value is not None)
