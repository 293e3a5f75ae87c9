"""What to write instead of a method or header name that a policy refuses."""

from __future__ import annotations

import json
import re
from typing import Final

from route_cors.arguments import fault_of
from route_cors.errors import CORSConfigError
from route_cors.policy import CORSPolicy


def fixed_name(field: str, name: str) -> str | None:
    """The name that is meant, for `methods`, `allow_headers` or `expose_headers`; None if none is valid.

    >>> fixed_name("methods", " get"), fixed_name("allow_headers", "X-Token:")
    ('GET', 'X-Token')
    """
    stripped = name.strip()
    if field != "methods":
        meant = stripped.removesuffix(":")
    elif stripped.isascii():
        meant = stripped.upper()
    else:
        return None
    return meant if fault_of(field, meant) is None else None


def fixed_list(field: str, text: str) -> str | None:
    """The list that is meant by a bare string, as Python source; None unless the field takes it as it is.

    >>> fixed_list("methods", "GET, put")
    '["GET", "PUT"]'
    """
    fixed = [fixed_name(field, name) for name in re.split(r"[,\s]+", text) if name]
    if not fixed or None in fixed:
        return None
    try:
        CORSPolicy(origins=(), **{field: fixed})  # type: ignore[arg-type]
    except CORSConfigError:
        return None
    return json.dumps(fixed)


_ARGUMENTS_OF_OTHERS: Final = {
    "allow_methods": "write methods=",
    "allow_origin_regex": "write origins=re.compile(...)",
    "allow_origins": "write origins=",
    "allow_private_network": "browsers have dropped the headers of Private Network Access: remove it",
}
"""What other CORS middleware takes, and what to do instead."""


def refuse_argument(name: str) -> None:
    """Raise a `TypeError` that says what to write, if other CORS middleware has that argument."""
    if name in _ARGUMENTS_OF_OTHERS:
        raise TypeError(f"a policy has no argument {name}: {_ARGUMENTS_OF_OTHERS[name]}")
