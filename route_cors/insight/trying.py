"""What is tried on a stand-in: another policy in place of the present one, or a layer where there is none."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from route_cors.dispatch.resolver import Resolver
from route_cors.insight.beside import serves
from route_cors.insight.describe import name_of
from route_cors.insight.handled import Asked
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import HTTPConnection
    from starlette.types import Scope

    from route_cors.decorators import Declared
    from route_cors.dispatch.target import Target
    from route_cors.insight.handled import Handled
    from route_cors.origins import OriginCallable
    from route_cors.policy import CORSPolicy


@dataclass(frozen=True, slots=True)
class Change:
    """What is tried: another policy in place of the present one, a layer where there is none."""

    policy: CORSPolicy | None = None
    adds_layer: bool = False


UNCHANGED = Change()


class TryingResolver(Resolver):
    """The app's resolver, which answers with the terms as they would be after the change.

    What its callables say is noted on the last request that was `handled`.
    """

    def __init__(
        self, handled: list[Handled], around: object, default: Declared | None, change: Change
    ) -> None:
        super().__init__(around, default)
        self._handled = handled
        self._change = change

    def resolve_http(self, scope: Scope, method: str | bytes) -> Target:
        """As `resolve`: the short way does not know the change."""
        return self.resolve(scope, method)

    def resolve(self, scope: Scope, method: str | bytes) -> Target:
        """As Resolver, with terms of our own."""
        target = super().resolve(scope, method)
        terms = _changed_terms(target, method, self._change.policy)
        if terms is not None:
            terms.callables = tuple(map(self._listening, terms.callables))
        return replace(target, terms=terms)

    def _listening(self, is_allowed: OriginCallable) -> OriginCallable:
        async def ask(origin: str, connection: HTTPConnection) -> bool:
            verdict: Any = None
            fault = None
            try:
                verdict = is_allowed(origin, connection)
                if inspect.isawaitable(verdict):
                    verdict = await verdict
                if not isinstance(verdict, bool):
                    fault = f"returned {verdict!r}, which is neither True nor False"
            except Exception as error:  # noqa: BLE001 - whatever it is, the layer takes it for a no
                fault = f"raised {error!r}"
            allowed = verdict is True and fault is None
            self._handled[-1].asked.append(Asked(name_of(is_allowed), allowed, fault))
            return allowed

        return ask


def _changed_terms(target: Target, method: str | bytes, policy: CORSPolicy | None) -> Terms | None:
    """Terms of our own: those of the app remember what they granted, and are asked by others too."""
    present = target.terms
    if policy is None:
        if present is None:
            return None
        return Terms(present.policy, present.registered, enforces=present.enforces)
    if isinstance(method, bytes):
        method = method.decode("latin-1")
    methods: Iterable[str] | None = () if present is None else present.registered
    if target.methods is None or target.route is None:
        methods = None
    elif methods is not None and serves(target, method):
        methods = {*methods, method}
    return Terms(policy, methods)
