"""The commands. What each of them prints is in the module of that name."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from route_cors.cli import options
from route_cors.cli.arguments import (
    api_origin,
    page_origin,
    read_baseline,
    read_call,
    read_codes,
    read_request,
)
from route_cors.cli.check import findings_as_data, is_as_bad_as, print_findings
from route_cors.cli.errors import CommandError, reporting_errors
from route_cors.cli.explain import print_explanation
from route_cors.cli.find_app import find_app
from route_cors.cli.table import matching, print_table, table_as_data, without_documentation
from route_cors.cli.text import Screen, as_json
from route_cors.insight.baseline import BASELINE_CODES, changes_as_findings, compare
from route_cors.insight.findings import CODES, SEVERITIES
from route_cors.insight.overview import report
from route_cors.insight.routes import Place
from route_cors.insight.sarif import to_sarif

if TYPE_CHECKING:
    from route_cors.cli.find_app import Found
    from route_cors.insight.findings import Finding
    from route_cors.insight.overview import Report

_ALL_CODES = {**CODES, **BASELINE_CODES}
_INSPECTOR_PORT = 8008
_EXIT_CODES = {True: 0, False: 1, None: 3}

app = typer.Typer(
    help="Who may call what in an app from pages of other origins, and why a call is refused.",
    no_args_is_help=True,
    # Plain help on every terminal and in every log, and tracebacks as Python writes them.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        try:
            typer.echo(f"route-cors {version('route-cors')}")
        except PackageNotFoundError:
            typer.echo("route-cors, from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def _prepare(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    # Characters that the terminal's encoding lacks are escaped; they would end the command otherwise.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIO need not have it


@app.command("table")
def _table(
    *,
    app: options.App = None,
    app_option: options.AppOption = None,
    origin: options.Origin = None,
    wanted: options.Filter = "",
    with_docs: options.All = False,
    as_data: options.Json = False,
    pages: options.Pager = True,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Show every route and its policy.

    A policy that no layer applies is marked. What --json prints is the baseline of `route-cors check`.
    """
    with reporting_errors(with_traceback=show_traceback):
        checked = None if origin is None else page_origin(origin)
        shown = matching(report(_found(app, app_option, factory=factory).app), wanted)
        if as_data:
            typer.echo(as_json(table_as_data(shown, checked)))
        else:
            folded, hidden = (shown, 0) if with_docs else without_documentation(shown)
            print_table(Screen.of(), folded, _ALL_CODES, origin=checked, pages=pages, hidden=hidden)


@app.command("explain")
def _explain(
    *,
    method: options.Method = None,
    path: options.CallPath = None,
    origin: options.CallOrigin,
    method_option: options.MethodOption = None,
    sent_as: options.AsOption = options.As.FETCH,
    headers: options.Headers = None,
    credentials: options.Credentials = False,
    app: options.OnlyAppOption = None,
    base_url: options.BaseUrl = None,
    as_data: options.Json = False,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Explain why one call is allowed or blocked.

    It shows what the browser sends, which route answers, each check, the exact headers, and what would allow
    the call. The exit code is 0 if the page can read the response (of a form, an image or a link: if the
    request gets to the app), 1 if not, and 3 if that is not known, because another layer may answer CORS by
    itself.
    """
    from route_cors.insight.explain import explain  # noqa: PLC0415 - loads route_cors.testing

    with reporting_errors(with_traceback=show_traceback):
        call = read_call(
            *read_request(method, path, method_option),
            origin=origin,
            headers=headers or [],
            credentials=credentials,
            base_url=base_url,
            as_=sent_as.value,
        )
        found = find_app(app, factory=factory)
        try:
            with redirect_stdout(sys.stderr):
                explanation = explain(found.app, call)
        except ValueError as error:
            raise CommandError(str(error)) from error
        if as_data:
            typer.echo(as_json(explanation.to_dict()))
        else:
            print_explanation(Screen.of(), explanation)
        raise typer.Exit(_EXIT_CODES[explanation.allowed])


@app.command("check")
def _check(
    *,
    app: options.App = None,
    app_option: options.AppOption = None,
    fail_on: options.FailOnOption = options.FailOn.WARNING,
    ignore: options.Ignore = None,
    baseline: options.Baseline = None,
    base_url: options.ApiBaseUrl = None,
    ask_callables: options.AskCallables = False,
    as_data: options.Json = False,
    as_sarif: options.Sarif = False,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Find problems of the policies.

    With --baseline it also reports what a change opened or closed. The exit code is 1 if there is a finding
    of the severity in --fail-on, or a worse one.
    """
    with reporting_errors(with_traceback=show_traceback):
        if as_data and as_sarif:
            raise CommandError("--json and --sarif: give one of them")
        ignored = read_codes(ignore or [], _ALL_CODES)
        served_at = None if base_url is None else api_origin(base_url)
        found = _found(app, app_option, factory=factory)
        with redirect_stdout(sys.stderr):
            whole = report(found.app, base_url=served_at, ask_callables=ask_callables)
        every = _findings(whole, baseline)
        findings = [finding for finding in every if finding.code not in ignored]
        if as_data:
            typer.echo(as_json(findings_as_data(findings)))
        elif as_sarif:
            typer.echo(as_json(_sarif(found, findings)))
        else:
            left_out = len(every) - len(findings)
            print_findings(Screen.of(), findings, routes=len(whole.routes), ignored=left_out)
        if any(is_as_bad_as(finding, fail_on.value) for finding in findings):
            raise typer.Exit(1)


@app.command("migrate")
def _migrate(
    *,
    app: options.App = None,
    app_option: options.AppOption = None,
    as_data: options.Json = False,
    as_diff: options.Diff = False,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Show what replaces the app's CORSMiddleware, and who would gain or lose access.

    It shows the lines to remove, the policy that does the same, and what cannot be kept. No file is changed.
    """
    from route_cors.cli.migrate import print_migration  # noqa: PLC0415 - loads route_cors.testing
    from route_cors.insight.migration import NoPatchError, migration, patch_of  # noqa: PLC0415 - as above

    with reporting_errors(with_traceback=show_traceback):
        if as_data and as_diff:
            raise CommandError("--json and --diff: give one of them")
        found = _found(app, app_option, factory=factory)
        roots = [Path.cwd(), *([] if found.file is None else [Path(found.file).parent])]
        with redirect_stdout(sys.stderr):
            migrated = migration(found.app, roots)
        if as_data:
            typer.echo(as_json(migrated.to_dict()))
        elif not as_diff:
            print_migration(Screen.of(), migrated)
        else:
            try:
                sys.stdout.write(patch_of(migrated))
            except NoPatchError as error:
                raise CommandError(f"--diff: {error}") from error


@app.command("serve")
def _serve(
    *,
    app: options.App = None,
    app_option: options.AppOption = None,
    port: options.Port = _INSPECTOR_PORT,
    api: options.ApiUrl = None,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Serve the inspector page, only to this machine.

    The app is served on another port, so that the page's calls to it are cross-origin.
    """
    from route_cors.cli.serve import serve  # noqa: PLC0415 - loads the server

    with reporting_errors(with_traceback=show_traceback):
        found = _found(app, app_option, factory=factory)
        serve(Screen.of(), found.app, port=port, api=api)


def _found(argument: str | None, option: str | None, *, factory: bool) -> Found:
    if argument is not None and option is not None:
        raise CommandError(f"the app is named twice: {argument!r} and --app {option!r}")
    return find_app(option if argument is None else argument, factory=factory)


def _findings(whole: Report, baseline: str | None) -> list[Finding]:
    if baseline is None:
        return [*whole.findings]
    try:
        changes = compare(read_baseline(baseline), whole)
    except ValueError as error:
        raise CommandError(
            f"--baseline {baseline!r}: not what `route-cors table --json` writes: {error}"
        ) from error
    findings = [*whole.findings, *changes_as_findings(changes)]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _sarif(found: Found, findings: list[Finding]) -> dict[str, object]:
    fallback = None if found.file is None else Place(found.file, 1)
    return to_sarif(findings, _ALL_CODES, root=Path.cwd(), fallback=fallback)
