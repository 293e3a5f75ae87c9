"""The page of the picture `innermost`: the app of a block of the README, and the policy of each route."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from route_cors import CORSPolicy, no_cors, report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from route_cors.insight.routes import ReportedRoute

COLOURS: Final = ("#0969da", "#1a7f37", "#8250df", "#bc4c00")
CLOSED: Final = "#cf222e"

STYLE: Final = """
* { box-sizing: border-box }
body { margin: 0; padding: 16px; background: white; color: #24292f;
  font: 16px/1.35 "DejaVu Sans", sans-serif }
code { font: 15px "DejaVu Sans Mono", monospace }
.box { border: 3px solid; border-radius: 12px; padding: 10px 14px; margin-top: 10px; background: #ffffff }
.box > header { font-weight: bold; margin-bottom: 6px }
.row { display: flex; align-items: center; gap: 14px; padding: 5px 0; color: #24292f }
.row code { flex: 1 }
.own { border: 2px solid; border-radius: 8px; padding: 1px 10px; font-weight: bold }
.tag { color: white; border-radius: 8px; padding: 3px 12px; min-width: 112px;
  text-align: center; font-weight: bold }
"""

BLOCK: Final = re.compile(r"^<!-- picture: innermost -->\s*^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def page(readme: str) -> str:
    """The boxes: the app, and in it a router and a mounted app, each with its routes.

    Raises:
        ValueError: the README has no such block, or a route of its app has no place in the picture.
    """
    found = BLOCK.search(readme)
    if found is None:
        raise ValueError("README.md has no block of Python after <!-- picture: innermost -->")
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102 - our own README
    policies = {name: policy for name, policy in names.items() if isinstance(policy, CORSPolicy)}
    colours = dict(zip(policies, COLOURS, strict=False))
    shown = [route for route in report(names["app"]).routes if route.kind == "http"]
    routes = [route for route in shown if not route.is_documentation]

    def boxed(title: str, policy: str, rows: Iterable[ReportedRoute], inside: str = "") -> str:
        lines = "".join(_row(route, policies, colours) for route in rows)
        header = f"<header>{title}</header>"
        colour = f"border-color: {colours[policy]}; color: {colours[policy]}"
        return f'<div class="box" style="{colour}">{header}{lines}{inside}</div>'

    router = [route for route in routes if route.path.startswith("/public")]
    mounted = [route for route in routes if route.path.startswith("/admin")]
    rest = [route for route in routes if route not in router and route not in mounted]
    inside = boxed('<code>CORSRouter(prefix="/public", cors=everyone)</code>', "everyone", router)
    inside += boxed("<code>install_cors(admin, default=staff)</code>, mounted at /admin", "staff", mounted)
    app = boxed("<code>install_cors(app, default=ours)</code>", "ours", rest, inside)
    return f"<!doctype html><style>{STYLE}</style><main>{app}</main>"


def _row(route: ReportedRoute, policies: Mapping[str, CORSPolicy], colours: Mapping[str, str]) -> str:
    """A request and the policy that applies, with the decorator if the endpoint has its own."""
    name = _name(route, policies)
    colour = colours.get(name, CLOSED)
    written = "@no_cors" if name == "no_cors" else f"@cors({name})"
    decorator = f'<span class="own" style="color: {colour}"><code>{written}</code></span>'
    own = decorator if route.source == "endpoint" else ""
    methods = ", ".join(method for method in route.methods or () if method != "HEAD")
    said = "closed" if name == "no_cors" else name
    tag = f'<span class="tag" style="background: {colour}">{said}</span>'
    return f'<div class="row"><code>{escape(methods)} {escape(route.path)}</code>{own}{tag}</div>'


def _name(route: ReportedRoute, policies: Mapping[str, CORSPolicy]) -> str:
    if route.policy is no_cors:
        return "no_cors"
    for name, policy in policies.items():
        if policy == route.policy:
            return name
    raise ValueError(f"{route.path} has a policy without a name in the block: {route.policy!r}")
