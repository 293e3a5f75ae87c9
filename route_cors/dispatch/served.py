"""Compare the router's own record of what it ran with what the index predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.decorators import no_cors
from route_cors.dispatch.index import index_of
from route_cors.dispatch.lost import policy_at
from route_cors.dispatch.resolver import passed_router
from route_cors.dispatch.target import Target, terms_of

if TYPE_CHECKING:
    from starlette.types import Scope


def served_in(scope: Scope, foretold: tuple[Target, ...], noted: object) -> Target | None:
    """What was really served, with the terms that it declares; None if the record does not differ.

    `foretold` is what was predicted on the way, `noted` what the record contained before. A middleware that
    copies the scope hides the record: then it contains what led to that middleware.
    """
    served = scope.get("endpoint")
    if served is None or served is noted:
        return None
    for target in foretold:
        on_the_way = (getattr(entry.matcher, "app", None) for entry in target.way)
        if served is target.endpoint or any(served is app for app in on_the_way):
            return None
    router, on_app = passed_router(scope)
    table = index_of(router, on_app).current()
    is_taken_over = any(target is not foretold[0] for target in foretold)
    policies = table.policies_of(served, scope.get("method", ""))
    if is_taken_over and (id(served) in table.leads_to or not policies):
        return None  # on the way to something that took it over and decides
    policies = {policy_at(served)} - {None} or policies
    # If several are declared for one endpoint, it is not known which of them it was.
    declared = no_cors if len(policies) > 1 else next(iter(policies), None)
    terms = None if declared is None else terms_of(declared)
    return Target(None, terms, endpoint=served, declared=declared is not None)
