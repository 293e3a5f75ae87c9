"""`route-cors codes` and `route-cors check --explain`: what the codes of findings and log events mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.text import Text

from route_cors.cli.errors import CommandError
from route_cors.cli.text import STYLES, as_json, text
from route_cors.insight.events import EVENTS, FIELDS
from route_cors.insight.findings import BASELINE_CODES, CODES, RETIRED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from route_cors.cli.text import Screen
    from route_cors.insight.events import LogEvent
    from route_cors.insight.findings import Code

_FINDINGS: Final[Mapping[str, Code]] = {**CODES, **BASELINE_CODES}
_IS_RETIRED: Final = "retired"
_MOST_SHOWN: Final = 3
_LONGEST_SHOWN: Final = 20


def show_codes(screen: Screen, *, as_data: bool) -> None:
    """List all codes: those of findings, then those of log events.

    Args:
        screen: where to print.
        as_data: whether to print JSON.
    """
    if as_data:
        typer.echo(as_json({"version": 1, "codes": [_in_short(code) for code in _all_codes()]}))
        return
    screen.line(Text("Findings of `route-cors check`", "bold"))
    for code in [*sorted({*_FINDINGS, *RETIRED})]:
        _list(screen, code)
    screen.line()
    screen.line(Text("Events in the log `route_cors`", "bold"))
    for code in EVENTS:
        _list(screen, code)
    screen.line()
    screen.line("`route-cors check --explain CODE` explains one of them")


def _all_codes() -> list[str]:
    return [*sorted({*_FINDINGS, *RETIRED}), *EVENTS]


def _list(screen: Screen, code: str) -> None:
    told = _in_short(code)
    level = Text(told["level"].ljust(len("warning")), STYLES.get(told["level"], "dim"))
    screen.line(Text(code.ljust(len("RC001")), "bold"), "  ", level, "  ", told["title"], indent=2, hang=16)


def _in_short(code: str) -> dict[str, Any]:
    if code in RETIRED:
        return {"code": code, "kind": "finding", "level": _IS_RETIRED, "title": RETIRED[code]}
    if code in EVENTS:
        return {"code": code, "kind": "event", "level": EVENTS[code].level, "title": EVENTS[code].title}
    found = _FINDINGS[code]
    return {"code": code, "kind": "finding", "level": found.severity, "title": found.title}


def show_code(screen: Screen, given: str, target: str | None, *, as_data: bool) -> None:
    """Explain one code.

    Args:
        screen: where to print.
        given: the code, in upper or lower case.
        target: an app; naming one is an error.
        as_data: whether to print JSON.

    Raises:
        CommandError: there is no such code, or an app is named.
    """
    if target is not None:
        raise CommandError(f"--explain only explains a code and does not check an app: leave {target!r} out")
    code = _known(given)
    if as_data:
        typer.echo(as_json(_at_length(code)))
        return
    told = _in_short(code)
    level = Text(told["level"], STYLES.get(told["level"], "dim"))
    screen.line(Text(code, "bold"), " ", level, " ", Text(told["title"], "bold"))
    if code in EVENTS:
        _explain_event(screen, EVENTS[code])
    elif code in _FINDINGS:
        _explain_finding(screen, _FINDINGS[code])


def _known(given: str) -> str:
    code, known = given.strip().upper(), _all_codes()
    if code in known:
        return code
    near = ", ".join(_nearest(code, known))
    hint = f"similar codes are {near}; " if near else ""
    shown = repr(given if len(given) <= _LONGEST_SHOWN else f"{given[:_LONGEST_SHOWN]}…")
    raise CommandError(f"--explain {shown}: there is no such code; {hint}`route-cors codes` lists all")


def _nearest(code: str, known: Sequence[str]) -> list[str]:
    """Those with the same letters first, then by their numbers."""
    if re.fullmatch(r"[A-Z]*[0-9]{1,6}", code) is None:
        return []
    letters, number = _parts(code)

    def distance(other: str) -> tuple[bool, int]:
        its_letters, its_number = _parts(other)
        return its_letters != letters, abs(its_number - number)

    return sorted(sorted(known, key=distance)[:_MOST_SHOWN])


def _parts(code: str) -> tuple[str, int]:
    letters = code.rstrip("0123456789")
    return letters, int(code.removeprefix(letters))


def _at_length(code: str) -> dict[str, Any]:
    told = {"version": 1, **_in_short(code)}
    if code in EVENTS:
        event = EVENTS[code]
        fields = {name: FIELDS[name] for name in event.fields}
        return {**told, "when": event.when, "fields": fields, "example": event.example, "fix": event.fix}
    if code in RETIRED:
        return told
    found = _FINDINGS[code]
    more = {name: getattr(found, name) for name in ("when", "why", "example", "fix", "fixed")}
    return {**told, **more, "options": [*found.options]}


def _explain_event(screen: Screen, event: LogEvent) -> None:
    _paragraph(screen, "when: ", event.when)
    _paragraph(screen, "fix:  ", event.fix)
    screen.line()
    screen.line("A line of the log:")
    screen.line(text(event.example, "cyan"), indent=4)
    if event.fields:
        screen.line()
        screen.line("Its fields:")
        width = max(map(len, event.fields)) + 2
        for name in event.fields:
            screen.line(Text(name.ljust(width), "bold"), FIELDS[name], indent=4, hang=width)


def _explain_finding(screen: Screen, code: Code) -> None:
    _paragraph(screen, "when: ", code.when)
    _paragraph(screen, "why:  ", code.why)
    _paragraph(screen, "fix:  ", code.fix)
    arguments = " ".join(("main.py", *code.options))
    _program(screen, f"`route-cors check {arguments}` finds it in this program:", code.example)
    _program(screen, "and nothing in this one:", code.fixed)


def _paragraph(screen: Screen, title: str, words: str) -> None:
    screen.line(Text(title, "dim"), words, indent=4, hang=len(title))


def _program(screen: Screen, title: str, source: str) -> None:
    screen.line()
    screen.line(title)
    screen.line()
    for line in source.splitlines():
        screen.line(Text(line, "cyan"), indent=4 if line else 0)
