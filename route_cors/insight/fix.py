"""The smallest change of a policy that would allow a call: it is tried on the stand-in, and only shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from route_cors.errors import CORSConfigError
from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS
from route_cors.insight.attempt import attempt, is_websocket
from route_cors.insight.enforcement import is_default_of_enforcing
from route_cors.insight.explanation import Fix
from route_cors.insight.findings.written import as_code, as_value
from route_cors.insight.printable import shortened
from route_cors.insight.steps import declared, instead_in_words, where_declared
from route_cors.insight.trying import Change
from route_cors.middleware import is_dry_run
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from route_cors.dispatch.routes import Source
    from route_cors.insight.attempt import Attempt
    from route_cors.insight.site import Site
    from route_cors.origins import OriginItem

_NEVER_LISTED = frozenset(name.lower() for name in ALWAYS_ALLOWED_REQUEST_HEADERS)
# Their policy is shared with other routes.
_SHARED = frozenset({"router", "mount", "app", "mounted app"})


async def smallest_change(site: Site, made: Attempt) -> Fix:
    """What would allow a blocked call, and no more than that.

    Args:
        site: of the app.
        made: the call, as it was blocked.
    """
    hopeless = _why_no_policy_helps(made) or _why_none_is_suggested(site, made)
    if hopeless is not None:
        return Fix(hopeless, None)
    place = _Place(site, made)
    wanted = {argument.name: argument for argument in _Needs(place).all()}
    try:
        place.changed(wanted)
    except CORSConfigError as error:
        return Fix(f"No policy can allow it: {error.problems[0]}.", None)
    for adds_layer in (False, True):
        if await place.would_allow(wanted, adds_layer=adds_layer):
            return place.fix(await _smallest(place, wanted, adds_layer=adds_layer), adds_layer=adds_layer)
    return Fix(_why_none_helps(made), None)


def _why_none_helps(made: Attempt) -> str:
    outside = made.last.handled.answered_by
    if outside is None:
        return "No policy allows it."
    return f"No policy allows it: {outside.name} is outside of every layer of the app, and answers first."


async def _smallest(place: _Place, wanted: dict[str, _Argument], *, adds_layer: bool) -> dict[str, _Argument]:
    """The arguments that are needed: without any one of them the call would be blocked."""
    for name in [*wanted]:
        fewer = {other: argument for other, argument in wanted.items() if other != name}
        if await place.would_allow(fewer, adds_layer=adds_layer):
            wanted = fewer
    for name, argument in wanted.items():
        if argument.smaller is not None:
            less = {**wanted, name: argument.smaller}
            if await place.would_allow(less, adds_layer=adds_layer):
                return less
    return wanted


def _why_no_policy_helps(made: Attempt) -> str | None:
    handled = made.last.handled
    target = handled.target
    if target.route is None:
        kind = "websocket route" if handled.is_websocket else "route"
        told = instead_in_words(handled)
        instead = "" if told is None else f" {told[0].upper()}{told[1:]}."
        return f"No policy helps: there is no {kind} for {shortened(handled.scope['path'])}.{instead}"
    if not handled.is_served:
        served = ", ".join(handled.beside.methods)
        hint = ""
        if handled.method.upper() in handled.beside.methods:
            hint = f": browsers send the method as the script spells it, so write {handled.method.upper()}"
        is_for = f"{target.path or '/'} is for {served} and not for {shortened(handled.method)}"
        return f"No policy helps: {is_for}{hint}."
    sent = made.last.request.headers.get("origin")
    if made.call.as_ == "form" and sent == "null" != made.call.origin:
        why = "the form leads from https to http, or a redirect has led it to another origin"
        return f"No policy can name the origin null, which the browser sends here: {why}."
    admits_null = target.terms is not None and target.terms.any_origin and not made.call.credentials
    if made.call.origin == "null" and not admits_null:
        return "No policy can name the origin null: every sandboxed page has it, no matter who made it."
    return None


def _why_none_is_suggested(site: Site, made: Attempt) -> str | None:
    """Enforcement usually refuses a form on purpose: no change that would allow it is suggested."""
    origin = made.call.origin
    if made.call.as_ == "fetch":
        return None
    if made.last.handled.refused_for is None:
        return "No policy helps: it is not a policy that refuses it."
    if site.names(origin):
        return None
    return (
        "It is refused on purpose: a form of another site acts as the user who sees it. No policy names "
        f"{origin}; if that page is your own, name it in a policy."
    )


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument of a policy that changes: its value, and what it allows, in words.

    `smaller` is a value that may be enough.
    """

    name: str
    value: Any
    words: str
    smaller: _Argument | None = None


class _Place:
    """The route of the call: its policy, and the effect of a change of it on the call.

    Attributes:
        made: the call, as it was blocked.
        policy: the present one; None if there is none, and for `no_cors`.
    """

    def __init__(self, site: Site, made: Attempt) -> None:
        self.made = made
        self._site = site
        self._target = made.last.handled.target
        self._declared = declared(self._target.terms)
        self._surveyed = site.find(self._target)
        self.policy = self._declared if isinstance(self._declared, CORSPolicy) else None

    def changed(self, arguments: Mapping[str, _Argument]) -> CORSPolicy:
        """The policy with these arguments.

        Raises:
            CORSConfigError: there is no such policy.
        """
        values: dict[str, Any] = {name: argument.value for name, argument in arguments.items()}
        return CORSPolicy(**values) if self.policy is None else self.policy.evolve(**values)

    async def would_allow(self, arguments: Mapping[str, _Argument], *, adds_layer: bool) -> bool:
        """Whether the call would be allowed then. It is tried without changing the app."""
        if self.policy is None and "origins" not in arguments:
            return False
        try:
            change = Change(self.changed(arguments), adds_layer)
        except CORSConfigError:
            return False
        return (await attempt(self._site, self.made.call, change)).is_allowed

    def fix(self, arguments: Mapping[str, _Argument], *, adds_layer: bool) -> Fix:
        """The change, in words and as code."""
        sentences: list[str] = []
        lines: list[str] = []
        if arguments:
            allowed = _listed([argument.words for argument in arguments.values()])
            sentences.append(f"Allow {allowed} {self._where()}.")
            lines.append(self._code(arguments))
        if self.made.call.as_ != "fetch":
            sentences.append(f"Then pages of {self.made.call.origin} may act as the user who sees them.")
        if adds_layer:
            sentences.append("Put the CORS layer around the app.")
            lines.append(self._layer_code)
        return Fix(" ".join(sentences), "\n".join(lines))

    def _where(self) -> str:
        where = where_declared(self._surveyed)
        if self.policy is None:
            instead = "" if self._declared is None else f", in place of @no_cors, declared {where}"
            return f"with a policy on {self._site.name_of(self._target)}{instead}"
        if self._is_alone:
            return (
                f"with a policy of its own on {self._site.name_of(self._target)}; others keep the one {where}"
            )
        return f"in the policy declared {where}"

    def _code(self, arguments: Mapping[str, _Argument]) -> str:
        values = {name: argument.value for name, argument in arguments.items()}
        if self.policy is not None:
            layers = () if self._surveyed is None else self._surveyed.reported.layers
            enforces = is_default_of_enforcing(self.policy, layers)
            return as_code(self.policy, self._source, in_enforcing=enforces, **values)
        spelled = ", ".join(f"{name}={value!r}" for name, value in values.items())
        # An app is decorated where it is mounted.
        return f"cors({spelled})(...)" if self._target.methods is None else f"@cors({spelled})"

    @property
    def _is_alone(self) -> bool:
        """Whether it gets a policy of its own, because the present one is shared: no other route changes."""
        source = None if self._surveyed is None else self._surveyed.reported.source
        return source in _SHARED and self._site.can_declare_alone(self._target)

    @property
    def _source(self) -> Source | None:
        """What the changed policy is declared on."""
        if self._is_alone:
            return "mount" if self._target.methods is None else "endpoint"
        return None if self._surveyed is None else self._surveyed.reported.source

    @property
    def _layer_code(self) -> str:
        if is_dry_run(self._site.app):
            return "install_cors(app)  # without dry_run=True, which only watches"
        is_app = isinstance(self._site.app, Starlette)
        return "install_cors(app)" if is_app else "app = RouteCORSMiddleware(app)"


class _Needs:
    """What a call needs and the present policy does not grant, argument by argument."""

    def __init__(self, place: _Place) -> None:
        self._made = place.made
        self._call = place.made.call
        self._handled = place.made.last.handled
        self._policy = place.policy
        # Browsers send cookies with every handshake, whatever the policy.
        self._credentials = self._call.credentials and not is_websocket(self._call)

    def all(self) -> Iterator[_Argument]:
        """The arguments to change, all needed at once."""
        yield from self._new_origins() if self._policy is None else self._origins(self._policy)
        if self._credentials:
            yield _Argument("allow_credentials", value=True, words="credentials")
            # With credentials, `*` is a header name that no response has.
            if self._policy is not None and "*" in self._policy.expose_headers:
                yield _Argument("expose_headers", (), "only the headers that you name to be read")
        if self._handled.preflight is not None:
            yield from self._methods(self._handled.method)
            yield from self._headers()

    def _new_origins(self) -> Iterator[_Argument]:
        origin = self._call.origin
        yield _Argument("origins", [origin], origin)

    def _origins(self, policy: CORSPolicy) -> Iterator[_Argument]:
        """The call's own and the present ones, without those that are not allowed with what it needs."""
        if policy.origin_set.any and not self._credentials:
            return
        origin = self._call.origin
        kept = [item for item in policy.origins if self._is_sound(policy, item)]
        is_admitted = bool(kept) and policy.evolve(origins=kept).origin_set.matches(origin.encode())
        added = [] if is_admitted else [origin]
        if len(kept) == len(policy.origins):
            yield _Argument("origins", [*kept, *added], origin)
            return
        left_out = [as_value(item) for item in policy.origins if item not in kept]
        words = f"{origin} in place of {_listed(left_out)}"
        # A callable among the kept ones may allow it.
        by_others = _Argument("origins", kept, words) if kept and added else None
        yield _Argument("origins", [*kept, *added], words, by_others)

    def _is_sound(self, policy: CORSPolicy, item: OriginItem) -> bool:
        """Whether a policy may have this origin and the call's."""
        beside = [item] if item == self._call.origin else [item, self._call.origin]
        credentials = policy.allow_credentials or self._credentials
        try:
            policy.evolve(origins=beside, allow_credentials=credentials, expose_headers=())
        except CORSConfigError:
            return False
        return True

    def _methods(self, method: str) -> Iterator[_Argument]:
        present = None if self._policy is None else self._policy.methods
        if present is not None and method not in present:
            yield _Argument("methods", [*present, method], method)

    def _headers(self) -> Iterator[_Argument]:
        present = () if self._policy is None else self._policy.allow_headers
        names = self._missing_names(present)
        if names:
            words = f"the header{'s' if len(names) > 1 else ''} {_listed(names)}"
            yield _Argument("allow_headers", [*present, *names], words)

    def _missing_names(self, present: Sequence[str]) -> list[str]:
        asked = self._made.last.request.headers.get("access-control-request-headers", "")
        known = _NEVER_LISTED | {name.lower() for name in present}
        missing = [name for name in asked.split(",") if name and name not in known]
        if "*" in known:
            # The only name that `*` does not cover.
            missing = [name for name in missing if name == "authorization"]
        spelled = {name.lower(): name for name, _ in self._call.headers}
        return [spelled[name] for name in missing]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
