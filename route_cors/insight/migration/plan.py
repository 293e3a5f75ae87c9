"""A whole migration: what replaces each CORSMiddleware, where it was added, and what changes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from route_cors.dispatch.apps import default_of, enforces, is_installed
from route_cors.insight.describe import describe_policy
from route_cors.insight.migration.candidates import candidates
from route_cors.insight.migration.changes import Replaced, compare
from route_cors.insight.migration.found import find_layers
from route_cors.insight.migration.proposal import propose
from route_cors.insight.migration.reading import Remark
from route_cors.insight.migration.source import calls_for, read_sources
from route_cors.insight.survey import survey
from route_cors.middleware import is_dry_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from route_cors.insight.migration.changes import Change
    from route_cors.insight.migration.found import Found, Where
    from route_cors.insight.migration.proposal import Proposal
    from route_cors.insight.migration.source import Source, Written
    from route_cors.insight.routes import Place
    from route_cors.policy import CORSPolicy

_LONGEST_LINE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What replaces the CORSMiddleware in one place.

    Attributes:
        where: where it was added.
        path: of the mount or route; "" for the app itself.
        layers: what each of them does, in words, from the outside in.
        calls: for each layer, the calls that may have added it; none if it was not found.
        policy: the policy for the outermost; None if none is needed.
        imports: the imports that the code needs.
        code: Python to write there.
        read: names from the source that the code uses, and their values in this process.
        remarks: what differs from before.
        is_compared: whether the changes include it; one on a router, mount or route is not removed for that.
        app: the app whose default it becomes; None if it does not become a default.
    """

    where: Where
    path: str
    layers: tuple[str, ...]
    calls: tuple[tuple[Written, ...], ...]
    policy: CORSPolicy | None
    imports: tuple[str, ...]
    code: str
    read: tuple[tuple[str, str], ...]
    remarks: tuple[Remark, ...]
    is_compared: bool
    app: Any

    @property
    def policy_code(self) -> str | None:
        """The code, if there is something to write."""
        return None if self.code.startswith("#") else self.code

    @property
    def places(self) -> tuple[tuple[Place, ...], ...]:
        """For each layer, the lines that may have added it."""
        return tuple(tuple(call.place for call in calls) for calls in self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What replaces an app's CORSMiddleware, and who gains or loses by it.

    Attributes:
        replacements: one for each place.
        not_known: the full names of layers that may answer CORS by themselves, so that nothing is certain.
        changes: calls that pages may make only before or only after.
        origins: the origins of the pages.
        calls: how many were compared.
        left_out: the paths that could not be called.
    """

    replacements: tuple[Replacement, ...]
    not_known: tuple[str, ...]
    changes: tuple[Change, ...]
    origins: tuple[str, ...]
    calls: int
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The migration as JSON-compatible data."""
        return {
            "version": 1,
            "replacements": [_replacement_as_dict(each) for each in self.replacements],
            "not_known": [*self.not_known],
            "changes": [
                {
                    "origins": [*change.origins],
                    "methods": [*change.methods],
                    "asks": [*change.asks],
                    "paths": [*change.paths],
                    "verdict": change.verdict,
                }
                for change in self.changes
            ],
            "origins": [*self.origins],
            "calls": self.calls,
            "left_out": [*self.left_out],
        }


def _replacement_as_dict(replacement: Replacement) -> dict[str, Any]:
    policy = replacement.policy
    return {
        "where": replacement.where,
        "path": replacement.path,
        "layers": [
            {"does": words, "lines": [{"file": place.local_file, "line": place.line} for place in places]}
            for words, places in zip(replacement.layers, replacement.places, strict=True)
        ],
        "policy": None if policy is None else describe_policy(policy),
        "imports": [*replacement.imports],
        "code": replacement.code,
        "read": [{"name": name, "argument": argument} for argument, name in replacement.read],
        "remarks": [
            {"about": each.about, "why": each.why, "instead": each.instead, "loses": each.loses}
            for each in replacement.remarks
        ],
        "is_compared": replacement.is_compared,
    }


def migration(app: object, roots: Iterable[Path]) -> Migration:
    """What replaces an app's CORSMiddleware; nothing is changed or written.

    None of the app's code runs, except for origin callables of its policies. While calls are compared, the
    app has another list of middleware: it must not serve requests at that time.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.
        roots: directories of the user's source, in which the lines are looked for.

    Raises:
        TypeError: the app shows no routes.
    """
    everything = find_layers(app)
    methods = frozenset(itertools.chain.from_iterable(placed.methods or () for placed in survey(app)))
    sources = read_sources(roots) if everything.found else []
    replacements = [_replacement(found, methods, sources) for found in everything.found]
    origins = candidates(layer for found in everything.found for layer in found.layers)
    replaced = [Replaced(each.app, _default(each)) for each in replacements if each.is_compared]
    compared = compare(app, replaced, origins) if replaced else None
    return Migration(
        replacements=tuple(replacements),
        not_known=everything.not_known,
        changes=() if compared is None else compared.changes,
        origins=tuple(origins) if replaced else (),
        calls=0 if compared is None else compared.calls,
        left_out=() if compared is None else compared.left_out,
    )


def _default(replacement: Replacement) -> CORSPolicy | None:
    return None if default_of(replacement.app) is not None else replacement.policy


def _replacement(found: Found, methods: frozenset[str], sources: Sequence[Source]) -> Replacement:
    calls = tuple(tuple(calls_for(layer, found.app, sources)) for layer in found.layers)
    only = calls[0][0] if len(calls[0]) == 1 else None
    proposal = propose(found.layers[0], methods, {} if only is None else only.expressions)
    is_there = found.app is not None and default_of(found.app) is not None
    imports, code = _code(found, proposal, only, is_there=is_there)
    return Replacement(
        where=found.where,
        path=found.path,
        layers=tuple(layer.in_words() for layer in found.layers),
        calls=calls,
        policy=None if is_there else proposal.policy,
        imports=imports,
        code=code,
        read=() if only is None else tuple(_names_read(proposal, only)),
        remarks=() if is_there else (*_of_several(found), *proposal.remarks),
        is_compared=found.app is not None,
        app=found.app,
    )


def _of_several(found: Found) -> Iterator[Remark]:
    if len(found.layers) > 1:
        yield Remark(
            f"{len(found.layers)} CORSMiddlewares, one inside the other",
            "the outermost answers every preflight, and the policy does what that one does; "
            "what only an inner one allowed is lost",
            None,
            loses=True,
        )


def _names_read(proposal: Proposal, only: Written) -> Iterable[tuple[str, str]]:
    spelled = " ".join(proposal.arguments.values())
    return ((argument, name) for argument, name in only.expressions.items() if name in spelled)


def _code(
    found: Found, proposal: Proposal, only: Written | None, *, is_there: bool
) -> tuple[tuple[str, ...], str]:
    """The imports, and what to write."""
    if is_there:
        return (), f"# {_ALREADY_THERE}"
    needs_re = ("import re",) if any("re.compile(" in each for each in proposal.arguments.values()) else ()
    arguments = [f"{name}={code}" for name, code in proposal.arguments.items()]
    if found.where == "around":
        default = f"default={_call('CORSPolicy', arguments)}" if arguments else ""
        code = f"RouteCORSMiddleware({', '.join(filter(None, ('app', default)))})  # in its place"
        names = "CORSPolicy, RouteCORSMiddleware" if arguments else "RouteCORSMiddleware"
        return (*needs_re, f"from route_cors import {names}"), code
    if found.app is None:
        decorator = _call("cors", arguments) if arguments else "no_cors"
        named = "cors" if arguments else "no_cors"
        code = _WHERE_WRITTEN[found.where].format(decorator)
        return (*needs_re, f"from route_cors import {named}, install_cors"), code
    target = "app" if only is None or only.target is None else only.target
    is_called = is_installed(found.app) or is_dry_run(found.app)
    note = "  # replaces the existing install_cors(...)" if is_called else ""
    enforcing = ("enforce=True",) if is_installed(found.app) and enforces(found.app) else ()
    if not arguments:
        installed = f"install_cors({', '.join((target, *enforcing))}){note}"
        return ("from route_cors import install_cors",), installed
    passed = (target, f"default={_call('CORSPolicy', arguments)}", *enforcing)
    whole = f"install_cors({', '.join(passed)})"
    if "\n" in whole or len(whole) > _LONGEST_LINE:
        listed = ",\n".join(map(_indented, passed))
        whole = f"install_cors(\n{listed},\n)"
    return (*needs_re, "from route_cors import CORSPolicy, install_cors"), f"{whole}{note}"


_ALREADY_THERE: Final = "nothing: install_cors already has a default here"
_WHERE_WRITTEN: Final[dict[Where, str]] = {
    "route": "@{}  # above the endpoint, and install_cors(app) for the app",
    "mount": "{}(...)  # around the mounted app, and install_cors(app) for the app",
    "router": "@{}  # above each of its endpoints, or CORSRouter(cors=...); and install_cors(app)",
}


def _call(function: str, arguments: Sequence[str]) -> str:
    flat = f"{function}({', '.join(arguments)})"
    if len(flat) <= _LONGEST_LINE - len("install_cors(app, default=)"):
        return flat
    return f"{function}(\n{_indented(f',{chr(10)}'.join(arguments))},\n)"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines())
