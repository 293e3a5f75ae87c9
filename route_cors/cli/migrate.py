"""`route-cors migrate`: what replaces an app's CORSMiddleware, and who gains or loses access."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from rich.text import Text

from route_cors.cli.errors import CommandError
from route_cors.cli.find_app import find_app
from route_cors.cli.text import as_json, text
from route_cors.cli.words import counted
from route_cors.insight.migration import NoPatchError, migration, patch_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.cli.text import Screen
    from route_cors.insight.migration import Change, Migration, Remark, Replacement
    from route_cors.insight.routes import Place


def show_migration(
    screen: Screen, target: str | None, *, factory: bool, as_data: bool, as_diff: bool
) -> None:
    """Show what replaces each CORSMiddleware of an app, then who gains and who loses access.

    Args:
        screen: where to print.
        target: the app, as `find_app` takes it.
        factory: whether that names a function that makes it.
        as_data: whether to print JSON.
        as_diff: whether to print a patch.

    Raises:
        CommandError: there is no such app, or no patch.
    """
    if as_data and as_diff:
        raise CommandError("--json and --diff: give only one of them")
    found = find_app(target, factory=factory)
    roots = [Path.cwd(), *([] if found.file is None else [Path(found.file).parent])]
    with redirect_stdout(sys.stderr):
        migrated = migration(found.app, roots)
    if as_data:
        typer.echo(as_json(migrated.to_dict()))
    elif not as_diff:
        _print_migration(screen, migrated)
    else:
        try:
            sys.stdout.write(patch_of(migrated))
        except NoPatchError as error:
            raise CommandError(f"--diff: {error}") from error


def _print_migration(screen: Screen, migrated: Migration) -> None:
    for name in migrated.not_known:
        screen.line(text(f"not known: {name} may answer CORS by itself, and is not compared", "yellow"))
    if migrated.not_known:
        screen.line()
    for replacement in migrated.replacements:
        _print_replacement(screen, replacement)
        screen.line()
    if not migrated.replacements:
        screen.line("there is no CORSMiddleware to replace")
        return
    _print_changes(screen, migrated)
    screen.line()
    for sentence in _ALWAYS:
        screen.line(Text("- ", "dim"), sentence, hang=2)


_ALWAYS: Final = (
    "Responses made outside of CORSMiddleware, such as the 500 of an exception, get CORS headers as well.",
    "CORS headers that endpoints set themselves are replaced.",
    "A preflight for a method that the path does not have is refused.",
)
_WHERE: Final = {
    "around": "around a mounted app",
    "app": "the app",
    "mounted app": "the app mounted at",
    "router": "a router",
    "mount": "the mount",
    "route": "the route",
}


def _print_replacement(screen: Screen, replacement: Replacement) -> None:
    screen.line(Text("CORSMiddleware of ", "bold"), text(_subject(replacement), "bold"))
    for words, places in zip(replacement.layers, replacement.places, strict=True):
        screen.line("is: ", text(words), indent=4, hang=4)
        screen.line("remove: ", text(_lines(places)), indent=4, hang=4)
    screen.line("write:", indent=4)
    for line in (*replacement.imports, *replacement.code.splitlines()):
        screen.line(text(line, "cyan"), indent=8)
    for argument, name in replacement.read:
        said = f"{name} is used as it is: the values above are from this process, and may differ elsewhere"
        screen.line(Text("note: ", "yellow"), text(f"{argument}: {said}"), indent=4, hang=4)
    for remark in replacement.remarks:
        _print_remark(screen, remark)
    if not replacement.is_compared:
        said = "it is not compared below, because it is not a layer of an app"
        screen.line(Text("note: ", "yellow"), said, indent=4, hang=4)


def _subject(replacement: Replacement) -> str:
    return f"{_WHERE[replacement.where]} {replacement.path}".rstrip()


def _lines(places: Sequence[Place]) -> str:
    if not places:
        return "the line was not found in the source: look for CORSMiddleware"
    return " or ".join(map(str, places))


def _print_remark(screen: Screen, remark: Remark) -> None:
    word = Text("cannot be kept: ", "red") if remark.loses else Text("note: ", "yellow")
    screen.line(word, text(f"{remark.about}: {remark.why}"), indent=4, hang=4)
    if remark.instead is not None:
        screen.line(Text("write: ", "green"), text(remark.instead), indent=8, hang=4)


_ASKS: Final = {
    "nothing": "plain",
    "credentials": "with credentials",
    "headers": "with Authorization and JSON",
}
_STYLES: Final = {"gains": "green", "loses": "red", "not known": "yellow"}


def _print_changes(screen: Screen, migration: Migration) -> None:
    if not any(replacement.is_compared for replacement in migration.replacements):
        screen.line("nothing was compared: none of them is a layer of an app")
        return
    asked = f"{counted(migration.calls, 'call')} by pages of {counted(len(migration.origins), 'origin')}"
    if migration.changes:
        screen.line(Text("Who gains and who loses", "bold"), f", of {asked}")
    else:
        screen.line(f"No page gains or loses access in {asked}")
    for change in migration.changes:
        screen.line(*_told(change), indent=4, hang=4)
    for path in migration.left_out:
        screen.line(text(f"not compared: {path}: no example of a path that it matches was found"), indent=4)


def _told(change: Change) -> Iterator[Text | str]:
    yield Text(change.verdict, _STYLES[change.verdict])
    yield text(f" {' '.join(change.methods)} {', '.join(change.paths)}", "bold")
    asks = [_ASKS[each] for each in change.asks]
    yield "" if len(asks) == len(_ASKS) else f" ({' or '.join(asks)})"
    yield text(f": {', '.join(change.origins)}")
