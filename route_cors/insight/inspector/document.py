"""The page: one self-contained document, and the Content-Security-Policy that forbids all other code."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Document:
    """The page, and the sources that its Content-Security-Policy names.

    Attributes:
        html: the whole, with its style and its script.
        style_source: the style's hash.
        script_source: the script's hash.
    """

    html: str
    style_source: str
    script_source: str

    def security_policy(self, connect_sources: str) -> str:
        """The Content-Security-Policy: this style, this script, calls to those sources, and nothing else."""
        return "; ".join(
            [
                "default-src 'none'",
                f"script-src {self.script_source}",
                f"style-src {self.style_source}",
                "img-src data:",
                f"connect-src {connect_sources}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                # No text ever becomes markup or code: browsers that support this enforce it.
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            ]
        )


# Joined in this order, they are one script: an earlier one may call what a later one defines, once that ran.
_SCRIPTS: Final = ("show", "known", "filters", "table", "findings", "call", "browser", "start")


@cache
def document() -> Document:
    """The page, put together once."""
    style, script = _read("page.css"), "\n".join(_read(f"script/{name}.js") for name in _SCRIPTS)
    html = _read("page.html").replace("{{ style }}", style).replace("{{ script }}", script)
    return Document(html, _source(style), _source(script))


def _read(name: str) -> str:
    return (files("route_cors.insight.inspector") / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
