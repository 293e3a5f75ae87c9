"""What each argument of a CORSMiddleware becomes: the policy's, its Python, and what is not as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from route_cors.errors import CORSConfigError
from route_cors.headers import normalize_method
from route_cors.origins import ANY_ORIGIN, is_serialized_origin
from route_cors.policy import MAX_MAX_AGE, CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.middleware.cors import CORSMiddleware

    from route_cors.errors import Problem
    from route_cors.foreign import CORSArguments, KnownLayer
    from route_cors.origins import OriginItem

__all__ = [
    "Argument",
    "Reading",
    "Remark",
    "read_credentials",
    "read_expose_headers",
    "read_headers",
    "read_max_age",
    "read_methods",
    "read_origins",
    "read_private_network",
]

_ANY: Final = "*"
_ALWAYS_ALLOWED: Final = frozenset({"accept", "accept-language", "content-language", "content-type"})
_EVERY_METHOD: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SAFELISTED: Final = ("GET", "HEAD", "POST")
_DEFAULT_MAX_AGE: Final = 600


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is not as it was.

    Attributes:
        about: the argument, and its value.
        why: it cannot be kept, or need not be.
        instead: what to write, where there is something.
        loses: whether somebody may lose by it.
    """

    about: str
    why: str
    instead: str | None
    loses: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the policy.

    Attributes:
        name: of it.
        value: of it.
        literal: its Python.
        written_as: the argument of CORSMiddleware whose very value it is, if any.
        pattern: where it is a list of origins with a regex at its end, the Python for that.
    """

    name: str
    value: Any
    literal: str
    written_as: str | None = None
    pattern: str | None = None

    def code(self, written: Mapping[str, str]) -> str:
        """Its Python, with a name from the source where the value has one there."""
        name = None if self.written_as is None else written.get(self.written_as)
        compiled = self.pattern
        if compiled is not None and "allow_origin_regex" in written:
            compiled = f"re.compile({written['allow_origin_regex']})"
        if name is None:
            return self.literal if self.pattern is None else self.literal.replace(self.pattern, str(compiled))
        return name if compiled is None else f"[*{name}, {compiled}]"


@dataclass(slots=True)
class Reading:
    """A CORSMiddleware as it is read, and what has been made of it so far.

    Attributes:
        layer: the middleware.
        cors: its arguments.
        made: an instance.
        served: the methods of the routes behind it.
        credentials: whether the policy allows them.
        arguments: of the policy.
        remarks: on what is not as it was.
    """

    layer: KnownLayer
    cors: CORSArguments
    made: CORSMiddleware
    served: frozenset[str]
    credentials: bool
    arguments: list[Argument] = field(default_factory=list[Argument])
    remarks: list[Remark] = field(default_factory=list[Remark])

    @classmethod
    def of(cls, layer: KnownLayer, served: frozenset[str]) -> Reading:
        """One of which nothing has been made yet."""
        cors = cast("CORSArguments", layer.cors)
        made = cast("CORSMiddleware", layer.around(_nothing))
        reflects = cors.any_origin and cors.allow_credentials
        return cls(layer, cors, made, served, cors.allow_credentials and not reflects)

    def put(self, name: str, value: object, literal: str, written_as: str | None = None) -> None:
        """An argument of the policy."""
        self.arguments.append(Argument(name, value, literal, written_as))

    def remark(self, about: str, why: str, instead: str | None = None, *, loses: bool = False) -> None:
        """Something that is not as it was."""
        self.remarks.append(Remark(about, why, instead, loses))

    @property
    def private_network(self) -> bool:
        """Whether the policy opens the private network: no policy does so for every site."""
        return self.cors.allow_private_network and not self.cors.any_origin


async def _nothing(*_: Any) -> None:
    """The app of an instance that is never called."""


def read_origins(reading: Reading) -> bool:
    """The origins; False where there are none, and so no policy."""
    if reading.cors.any_origin:
        _read_any_origin(reading)
        return True
    texts = _texts(reading)
    kept: list[OriginItem] = [text for text in texts if _is_kept(reading, text)]
    is_given = not isinstance(reading.made.allow_origins, str) and len(kept) == len(texts)
    regex = _read_regex(reading)
    items = kept if regex is None else [*kept, regex]
    if not items:
        reading.remark("allow_origins", "it let no page of another origin in: no policy is needed")
        return False
    pattern = None if regex is None else _compiled(regex)
    spelled = ", ".join([*map(_quoted, cast("list[str]", kept)), *([] if pattern is None else [pattern])])
    written_as = "allow_origins" if is_given and kept else None
    reading.arguments.append(Argument("origins", items, f"[{spelled}]", written_as, pattern))
    if any(_fault(reading, item) is not None for item in items):
        reading.put("dangerously_allow_insecure_origins", value=True, literal="True")
        reading.remark(
            "http origins with credentials",
            "kept, under the name that says what it is: whoever sits on the network can act as the user",
            "serve those pages over https, and leave dangerously_allow_insecure_origins out",
        )
    return True


def _read_any_origin(reading: Reading) -> None:
    reading.put("origins", ANY_ORIGIN, '"*"')
    if reading.cors.allow_credentials:
        listed = (each for each in reading.cors.allow_origins if each != ANY_ORIGIN)
        named = [origin for origin in listed if _is_accepted(origins=origin)]
        reading.remark(
            "allow_origins '*' with credentials",
            "CORSMiddleware sends back whatever origin asks, so that every site can act as the user: "
            "no policy says so, and what is written here is without credentials",
            f"name the origins that you serve: origins={named or ['https://app.example.com']!r}, "
            "allow_credentials=True",
            loses=True,
        )
    if reading.cors.allow_private_network:
        reading.remark(
            "allow_private_network with '*'",
            "every site could reach the network: it is left out",
            "name the origins that may, with allow_private_network=True",
            loses=True,
        )


def _texts(reading: Reading) -> list[str]:
    origins = reading.cors.allow_origins
    if not isinstance(origins, str):
        return [*dict.fromkeys(origins)]
    reading.remark(
        f"allow_origins={origins!r}, a bare string",
        "CORSMiddleware lets in every origin that is a part of that text, such as one without its last "
        "letters; a policy lets in those that it names",
        loses=True,
    )
    return [*dict.fromkeys(filter(None, re.split(r"[,\s]+", origins)))]


def _is_kept(reading: Reading, text: str) -> bool:
    """Whether an origin of the list stands in the policy as well."""
    about = f"allow_origins: {text!r}"
    try:
        CORSPolicy(origins=[text])
    except CORSConfigError as error:
        why = f"{_reasons(error.problems)}: {_in_vain(reading, text)}"
        reading.remark(about, why, _write(error.problems), loses=text == "null")
        return False
    if not is_serialized_origin(text.encode()):
        let_in = "CORSMiddleware knows no patterns, so that it let nobody in: it is left out"
        reading.remark(about, let_in, "route_cors reads it as a pattern: write it to open what it matches")
        return False
    if not reading.layer.allows(text):
        why = "it is no str, so that it is equal to no Origin header and let nobody in: it is left out"
        reading.remark(about, why, f"{text!r}, to let it in")
        return False
    return True


def _in_vain(reading: Reading, text: str) -> str:
    if text == "null":
        return "it is left out"
    web = re.match(r"https?:", text, re.IGNORECASE)
    let_in = "so that it let nobody in" if web else "as far as is known here, so that it let nobody in"
    compared = "is compared with" if reading.layer.allows(text) else "is equal to none of"
    return f"it {compared} what browsers send, and they send none that is spelled so, {let_in}: left out"


def _read_regex(reading: Reading) -> re.Pattern[str] | None:
    regex = reading.made.allow_origin_regex
    if regex is None:
        return None
    if reading.layer.allows("null") and "null" not in reading.cors.allow_origins:
        reading.remark(
            f"allow_origin_regex: {regex.pattern!r}",
            "it matches null, the origin of every sandboxed page, whoever made it: "
            "a policy asks a regex about origins of sites alone",
            loses=True,
        )
    problem = _fault(reading, regex)
    if problem is None or _fault(reading, regex, insecure=True) is None:
        return regex
    instead = "a regex that names your hosts, or the origins themselves"
    reading.remark(f"allow_origin_regex: {regex.pattern!r}", problem.reason, instead, loses=True)
    return None


def _fault(reading: Reading, item: OriginItem, *, insecure: bool = False) -> Problem | None:
    """What is wrong with an origin in the policy, if anything is."""
    try:
        CORSPolicy(
            origins=[item],
            allow_credentials=reading.credentials,
            allow_private_network=reading.private_network,
            dangerously_allow_insecure_origins=insecure,
        )
    except CORSConfigError as error:
        return error.problems[0]
    return None


def _reasons(problems: Iterable[Problem]) -> str:
    return "; ".join(problem.reason for problem in problems)


def _write(problems: Iterable[Problem]) -> str | None:
    mends = [problem.mend for problem in problems if problem.mend is not None]
    return f"{mends[0]!r}, to let it in" if mends else None


def _compiled(regex: re.Pattern[str]) -> str:
    pattern = regex.pattern
    is_raw = pattern.isprintable() and '"' not in pattern and not pattern.endswith("\\")
    has_more = re.compile(pattern).flags != regex.flags
    flags = f", {re.RegexFlag(regex.flags & ~re.UNICODE)!r}" if has_more else ""
    spelled = f'r"{pattern}"' if is_raw else ascii(pattern)
    return f"re.compile({spelled}{flags})"


def _quoted(text: str) -> str:
    """A text in Python, in double quotes as formatters have it, with nothing in it that acts."""
    spelled = ascii(text)
    return spelled if '"' in spelled or spelled.startswith('"') else f'"{spelled[1:-1]}"'


def _spelled(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def read_credentials(reading: Reading) -> None:
    """Whether cookies may go along."""
    if reading.credentials:
        _put_true(reading, "allow_credentials")


def read_methods(reading: Reading) -> None:
    """Those that are preflighted; what needs no preflight stays readable with both."""
    given = reading.made.allow_methods
    granted = frozenset(reading.cors.allow_methods)
    if granted >= _EVERY_METHOD and granted >= reading.served:
        return
    if isinstance(given, str):
        granted = frozenset(method for method in _SAFELISTED if method in given)
        about = f"allow_methods={given!r}, a bare string"
        reading.remark(about, "CORSMiddleware sends its letters: only what needs no preflight got through")
    kept = sorted(filter(_is_method, granted))
    for method in sorted(granted.difference(kept)):
        reading.remark(f"allow_methods: {method!r}", "no browser sends it as it is spelled: left out")
    if not kept:
        reading.remark(
            "allow_methods", "it granted no preflight, and a policy names one method at least: GET"
        )
        kept = ["GET"]
    is_given = not isinstance(given, str) and sorted(given) == kept
    reading.put("methods", kept, _spelled(kept), "allow_methods" if is_given else None)


def _is_method(method: str) -> bool:
    return normalize_method(method) == method and _is_accepted(methods=[method])


def read_headers(reading: Reading) -> None:
    """The request-headers that scripts may set."""
    cors = reading.cors
    if _ANY in cors.allow_headers:
        # The `*` of an answer does not cover Authorization; CORSMiddleware names whatever is asked for.
        names = [_ANY] if reading.credentials else [_ANY, "Authorization"]
        reading.put("allow_headers", names, '"*"' if reading.credentials else _spelled(names))
        return
    spelled = reading.made.preflight_headers["Access-Control-Allow-Headers"].split(", ")
    spellings = {name.lower(): name for name in spelled}
    names = [name for name in dict.fromkeys(cors.allow_headers) if name not in _ALWAYS_ALLOWED]
    _put_names(reading, "allow_headers", [spellings.get(name, name) for name in names])


def read_expose_headers(reading: Reading) -> None:
    """The response headers that scripts may read."""
    names = [*dict.fromkeys(reading.cors.expose_headers)]
    if _ANY in names and not reading.credentials:
        reading.put("expose_headers", [_ANY], '"*"')
        return
    if _ANY in names:
        names.remove(_ANY)
        why = "with credentials browsers take it for the name of a header: left out, and nobody loses by it"
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
            reading.remark(f"{argument}: {name!r}", f"{fault}: left out, and nobody loses by it")
    if kept:
        # The letters of a bare string are names to CORSMiddleware; a policy refuses one.
        is_given = is_given and kept == names and all(len(name) > 1 for name in kept)
        reading.put(argument, kept, _spelled(kept), argument if is_given else None)


def _names_fault(argument: str, name: str) -> str | None:
    values: dict[str, Any] = {argument: [name]}
    try:
        CORSPolicy(origins=ANY_ORIGIN, **values)
    except CORSConfigError as error:
        return error.problems[0].reason
    return None


def _is_accepted(**arguments: Any) -> bool:
    given: dict[str, Any] = {"origins": ANY_ORIGIN, **arguments}
    try:
        CORSPolicy(**given)
    except CORSConfigError:
        return False
    return True


def read_max_age(reading: Reading) -> None:
    """How long browsers may keep a preflight's answer."""
    text = reading.cors.max_age
    if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
        reading.remark(f"max_age: {text!r}", "no whole number of seconds, so that browsers ignore it")
        reading.put("max_age", value=None, literal="None")
        return
    seconds = int(text)
    nearest = min(max(seconds, 0), MAX_MAX_AGE)
    if nearest != seconds:
        reading.remark(f"max_age: {seconds}", f"no browser goes below 0 or beyond {MAX_MAX_AGE} seconds")
    if nearest != _DEFAULT_MAX_AGE:
        reading.put("max_age", nearest, str(nearest), "max_age" if nearest == seconds else None)


def read_private_network(reading: Reading) -> None:
    """Whether pages of public networks may reach a private one."""
    if reading.private_network:
        _put_true(reading, "allow_private_network")


def _put_true(reading: Reading, name: str) -> None:
    # What only counts as true is refused by a policy. Before 1.0, Starlette does not keep what it was given.
    is_given = vars(reading.made).get(name, True) is True
    reading.put(name, value=True, literal="True", written_as=name if is_given else None)
