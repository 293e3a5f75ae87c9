"""A policy as code that can be pasted where it was declared: @cors, router, mount or default."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, cast

from route_cors.errors import CORSConfigError
from route_cors.insight.corrections.spellings import as_code as as_regex
from route_cors.insight.describe import name_of
from route_cors.insight.printable import printable
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.dispatch.routes import Source


def as_code(policy: CORSPolicy, source: Source | None, *, in_enforcing: bool = False, **changes: Any) -> str:
    """A whole policy as Python source, with some arguments changed.

    Args:
        policy: the present one.
        source: what it was declared on.
        in_enforcing: whether that is a layer that enforces.
        changes: arguments of `CORSPolicy`. If they conflict with the others, only these are shown.
    """
    try:
        changed = policy.evolve(**changes)
    except CORSConfigError:
        return ", ".join(f"{name}={as_value(value)}" for name, value in changes.items())
    form = _FORMS.get(source, "@cors({})")
    if in_enforcing and source in {"app", "mounted app"}:
        form = _FORM_OF_ENFORCING
    return form.format(_arguments(changed))


_FORMS: Final[dict[Source | None, str]] = {
    "router": "CORSRouter(cors=CORSPolicy({}))",
    "mount": "cors({})(...)",
    "app": "install_cors(app, default=CORSPolicy({}))",
    "mounted app": "install_cors(app, default=CORSPolicy({}))",
}
_FORM_OF_ENFORCING: Final = "install_cors(app, default=CORSPolicy({}), enforce=True)"
_PARAMETERS: Final = inspect.signature(CORSPolicy).parameters


def _arguments(policy: CORSPolicy) -> str:
    values = {name: getattr(policy, name) for name in _PARAMETERS}
    return ", ".join(
        f"{name}={as_value(value)}" for name, value in values.items() if value != _PARAMETERS[name].default
    )


def as_value(value: Any) -> str:
    """An argument, or an item of one, as Python source; `...` for a function without a name."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(as_value(item) for item in cast('Iterable[Any]', value))}]"
    if isinstance(value, re.Pattern):
        pattern = cast("re.Pattern[str]", value)
        return printable(as_regex(pattern))
    if not callable(value):
        return printable(repr(value))
    name = name_of(value).rpartition(".")[2]
    return name if name.isidentifier() else "..."
