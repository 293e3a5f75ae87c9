"""The codes of what a change opened or closed, compared with a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

_NARROW: Final = """\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=["https://app.example.com"])
async def notes(): ...

install_cors(app)
"""
_WIDE: Final = _NARROW.replace('.com"]', '.com", "https://www.example.com"]')
_UPDATE: Final = (
    "If the change is intended, update the baseline: route-cors table --json > baseline.json."
    " If it is not, undo it."
)

BASELINE_CODES: Final[Mapping[str, Code]] = {
    "RC101": Code(
        severity="warning",
        title="Open to more than in the baseline",
        when=(
            "Other origins may do something that they could not do when the baseline (the output of"
            " route-cors table --json) was written. One finding for each kind of change."
        ),
        why="A change of one line can open many routes, and a review shows only that line.",
        example=_WIDE,
        fix=_UPDATE,
        fixed=_NARROW,
        options=("--baseline", "baseline.json"),
    ),
    "RC102": Code(
        severity="info",
        title="Open to less than in the baseline",
        when=(
            "Other origins may no longer do something that they could do when the baseline (the output of"
            " route-cors table --json) was written. One finding for each kind of change."
        ),
        why="A front end that called the route until now is refused.",
        example=_NARROW,
        fix=_UPDATE,
        fixed=_WIDE,
        options=("--baseline", "baseline.json"),
    ),
}
"""The codes of changes, in addition to the `CODES` of findings."""
