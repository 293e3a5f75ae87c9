"""Policies in the OpenAPI schema: `x-cors` on each operation, and a sentence that Swagger UI shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from route_cors.decorators import changes
from route_cors.insight.describe import describe_policy, policy_in_words
from route_cors.insight.enforcement import is_enforced, words_of_enforcement
from route_cors.insight.foreign import layers_at, layers_of_app, speaking
from route_cors.insight.survey import survey

if TYPE_CHECKING:
    from fastapi import FastAPI

    from route_cors.decorators import Declared
    from route_cors.insight.foreign import KnownLayer, UnknownLayer

EXTENSION = "x-cors"
"""The key (https://spec.openapis.org/oas/v3.1.0#specification-extensions).

Null: no policy is declared, no other layer is known to answer CORS for it, and nothing enforces.
`middleware`: the layers that answer, if there is no policy. `is_enforced`: whether requests of pages that the
policy does not allow are refused before the endpoint runs.
"""

_Schema = dict[str, Any]
# A path as in the schema, and a method in lower case.
_Operation = tuple[str, str]


def describe_in_schema(app: FastAPI) -> None:
    """Make `app.openapi()` say which policy applies to each operation.

    The schema of the app itself is never changed: the operations are copies.

    Args:
        app: the app. An `openapi` that is assigned to it later replaces this one.
    """
    make_schema = app.openapi
    # The last result and its input: FastAPI keeps its schema and returns the same one again.
    made: list[tuple[_Schema, object, _Schema]] = []

    def openapi() -> _Schema:
        schema = make_schema()
        if not made or made[0][0] is not schema or made[0][1] is not changes.latest:
            made[:] = [(schema, changes.latest, _described(schema, _answering(app)))]
        return made[0][2]

    app.openapi = openapi  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class _Answering:
    """What decides for an operation: a policy, or, without one, other layers around it."""

    policy: Declared | None
    others: tuple[KnownLayer | UnknownLayer, ...]
    is_enforced: bool

    def in_words(self) -> str:
        words = policy_in_words(self.policy)
        if self.policy is None and self.others:
            words = "; ".join(layer.in_words() for layer in self.others)
        return "; ".join([words, *words_of_enforcement(self.policy, is_enforced=self.is_enforced)])

    def described(self) -> object:
        enforcement = {"is_enforced": self.is_enforced}
        if self.policy is not None:
            return {**describe_policy(self.policy), **enforcement}
        if self.others:
            return {"middleware": [layer.described() for layer in self.others], **enforcement}
        return enforcement if self.is_enforced else None


def _answering(app: FastAPI) -> dict[_Operation, _Answering]:
    """What decides for each operation. If two routes serve the same one, the app runs the first."""
    policies: dict[_Operation, _Answering] = {}
    on_app = layers_of_app(app)
    for placed in survey(app):
        if placed.kind == "http" and placed.depth == 0:
            path = getattr(placed.view, "path_format", placed.path)
            for method in placed.methods or ():
                layers = (*on_app, *layers_at(placed))
                answering = _Answering(placed.policy, speaking(layers), is_enforced(placed, layers))
                policies.setdefault((path, method.lower()), answering)
    return policies


def _described(schema: _Schema, policies: dict[_Operation, _Answering]) -> _Schema:
    paths: _Schema = schema.get("paths", {})
    described = {
        path: {
            key: _with_policy(value, policies[path, key]) if (path, key) in policies else value
            for key, value in item.items()
        }
        for path, item in paths.items()
    }
    return {**schema, "paths": described} if described else schema


def _with_policy(operation: _Schema, answering: _Answering) -> _Schema:
    """The operation with its policy. If it has the extension already (`openapi_extra`), that one is kept."""
    description = [operation["description"]] if operation.get("description") else []
    return {
        **operation,
        "description": "\n\n".join([*description, f"**CORS:** {_as_code(answering.in_words())}"]),
        EXTENSION: operation.get(EXTENSION, answering.described()),
    }


def _as_code(text: str) -> str:
    """Markdown for exactly this text: no emphasis from the stars of a pattern, no HTML from a regex."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"
