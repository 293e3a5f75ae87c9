"""What each argument of a CORSMiddleware becomes, except for the origins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from route_cors.arguments import MAX_MAX_AGE
from route_cors.errors import CORSConfigError
from route_cors.headers import normalize_method
from route_cors.insight.migration.reading import is_accepted, spelled
from route_cors.origins import ANY_ORIGIN
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from route_cors.insight.migration.reading import Reading

_ANY: Final = "*"
_EVERY_METHOD: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SAFELISTED: Final = ("GET", "HEAD", "POST")
_DEFAULT_MAX_AGE: Final = 600


def read_credentials(reading: Reading) -> None:
    """Whether credentials are allowed."""
    if reading.credentials:
        # A policy refuses values that merely count as true. Starlette keeps the argument only since 1.0.
        is_given = vars(reading.made).get("allow_credentials", True) is True
        written_as = "allow_credentials" if is_given else None
        reading.put("allow_credentials", value=True, literal="True", written_as=written_as)


def read_methods(reading: Reading) -> None:
    """The preflighted methods; responses to requests without a preflight stay readable in any case."""
    given = reading.made.allow_methods
    granted = frozenset(reading.cors.allow_methods)
    if granted >= _EVERY_METHOD and granted >= reading.served:
        return
    if isinstance(given, str):
        granted = frozenset(method for method in _SAFELISTED if method in given)
        about = f"allow_methods={given!r}, a bare string"
        reading.remark(about, "CORSMiddleware sends its letters: only calls without a preflight worked")
    kept = sorted(filter(_is_method, granted))
    for method in sorted(granted.difference(kept)):
        reading.remark(f"allow_methods: {method!r}", "no browser sends it in this spelling: left out")
    if not kept:
        reading.remark(
            "allow_methods", "it granted no preflight, but a policy needs at least one method: GET"
        )
        kept = ["GET"]
    is_given = not isinstance(given, str) and sorted(given) == kept
    reading.put("methods", kept, spelled(kept), "allow_methods" if is_given else None)


def _is_method(method: str) -> bool:
    return normalize_method(method) == method and is_accepted(methods=[method])


def read_headers(reading: Reading) -> None:
    """The request-headers that scripts may set."""
    cors = reading.cors
    if _ANY in cors.allow_headers:
        # A `*` in a response does not cover Authorization; CORSMiddleware repeats the requested names
        # instead.
        names = [_ANY] if reading.credentials else [_ANY, "Authorization"]
        reading.put("allow_headers", names, '"*"' if reading.credentials else spelled(names))
        return
    sent = reading.made.preflight_headers["Access-Control-Allow-Headers"].split(", ")
    spellings = {name.lower(): name for name in sent}
    names = [*dict.fromkeys(cors.added_headers)]
    _put_names(reading, "allow_headers", [spellings.get(name, name) for name in names])


def read_expose_headers(reading: Reading) -> None:
    """The response headers that scripts may read."""
    names = [*dict.fromkeys(reading.cors.expose_headers)]
    if _ANY in names and not reading.credentials:
        reading.put("expose_headers", [_ANY], '"*"')
        return
    if _ANY in names:
        names.remove(_ANY)
        why = "with credentials browsers read it as a header name: left out, and nobody loses access"
        reading.remark("expose_headers: '*'", why)
    is_given = names == [*reading.cors.expose_headers]
    _put_names(reading, "expose_headers", names, is_given=is_given)


def _put_names(reading: Reading, argument: str, names: list[str], *, is_given: bool = True) -> None:
    kept: list[str] = []
    for name in names:
        fault = _names_fault(argument, name)
        if fault is None:
            kept.append(name)
        else:
            reading.remark(f"{argument}: {name!r}", f"{fault}: left out, and nobody loses access")
    if kept:
        # CORSMiddleware reads the letters of a bare string as names; a policy refuses a bare string.
        is_given = is_given and kept == names and all(len(name) > 1 for name in kept)
        reading.put(argument, kept, spelled(kept), argument if is_given else None)


def _names_fault(argument: str, name: str) -> str | None:
    values: dict[str, Any] = {argument: [name]}
    try:
        CORSPolicy(origins=ANY_ORIGIN, **values)
    except CORSConfigError as error:
        return error.problems[0].reason
    return None


def read_max_age(reading: Reading) -> None:
    """For how long browsers may cache a preflight."""
    text = reading.cors.max_age
    if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
        reading.remark(f"max_age: {text!r}", "not a whole number of seconds, so browsers ignore it")
        reading.put("max_age", value=None, literal="None")
        return
    seconds = int(text)
    nearest = min(max(seconds, 0), MAX_MAX_AGE)
    if nearest != seconds:
        reading.remark(f"max_age: {seconds}", f"browsers use 0 to {MAX_MAX_AGE} seconds")
    if nearest != _DEFAULT_MAX_AGE:
        reading.put("max_age", nearest, str(nearest), "max_age" if nearest == seconds else None)


def read_private_network(reading: Reading) -> None:
    """`allow_private_network`, which has no effect in browsers any more."""
    if reading.cors.allow_private_network:
        why = "browsers have dropped the headers of Private Network Access: left out, and nobody loses access"
        reading.remark("allow_private_network", why)
