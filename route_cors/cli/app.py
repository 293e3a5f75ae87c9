"""The commands. Each is carried out by the module of its name, which is imported when it is called.

So `--help`, `codes` and the shell's completion do not wait for FastAPI.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from route_cors.cli import options
from route_cors.cli.errors import CommandError, reporting_errors
from route_cors.cli.text import Screen

_INSPECTOR_PORT = 8008
_SECONDS = 10

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
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - loads email and more

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

    A policy that no layer applies is marked. The output of --json is a baseline for `route-cors check`.
    """
    with reporting_errors(with_traceback=show_traceback):
        from route_cors.cli.table import show_table  # noqa: PLC0415 - loads FastAPI

        show_table(
            Screen.of(),
            _target(app, app_option),
            factory=factory,
            origin=origin,
            wanted=wanted,
            with_docs=with_docs,
            as_data=as_data,
            pages=pages,
        )


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
    the call. The exit code is 0 if the page can read the response (for a form, an image or a link: if the
    request reaches the app), 1 if not, and 3 if this is not known because another layer may answer CORS by
    itself.
    """
    with reporting_errors(with_traceback=show_traceback):
        from route_cors.cli.explain import show_explanation  # noqa: PLC0415 - loads FastAPI

        exit_code = show_explanation(
            Screen.of(),
            app,
            (method, path, method_option),
            factory=factory,
            origin=origin,
            sent_as=sent_as.value,
            headers=headers or [],
            credentials=credentials,
            base_url=base_url,
            as_data=as_data,
        )
        raise typer.Exit(exit_code)


@app.command("probe")
def _probe(
    *,
    url: options.ProbedUrl,
    origin: options.CallOrigin,
    method: options.ProbedMethod = "GET",
    headers: options.Headers = None,
    credentials: options.ProbedCredentials = False,
    send: options.Send = False,
    engine: options.EngineOption = options.Engine.STANDARD,
    timeout: options.Timeout = _SECONDS,
    as_data: options.Json = False,
) -> None:
    """Ask a running server what a browser would do there, whatever its CORS library is.

    It shows what is sent and received, whether a browser would block the call, and what would allow it. A
    request that may change something is not sent without --send, only its preflight. The exit code is 0 if
    the page can read the response, or if the preflight allows the request that is not sent; 1 if the call is
    blocked; and 3 if that is not known, because there is no preflight.
    """
    with reporting_errors(with_traceback=False):
        from route_cors.cli.probe import show_probe  # noqa: PLC0415 - loads the browser

        exit_code = show_probe(
            Screen.of(),
            url,
            origin=origin,
            method=method,
            headers=headers or [],
            credentials=credentials,
            engine=engine.value,
            timeout=timeout,
            sends=send,
            as_data=as_data,
        )
        raise typer.Exit(exit_code)


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
    explained: options.ExplainCode = None,
    factory: options.Factory = False,
    show_traceback: options.Traceback = False,
) -> None:
    """Find problems of the policies.

    With --baseline it also reports what a change opened or closed. The exit code is 1 if there is a finding
    of the severity in --fail-on, or a worse one. With --explain it only explains a code.
    """
    with reporting_errors(with_traceback=show_traceback):
        if explained is not None:
            from route_cors.cli.codes import show_code  # noqa: PLC0415 - only for this

            show_code(Screen.of(), explained, _target(app, app_option), as_data=as_data)
            return
        from route_cors.cli.check import check_app  # noqa: PLC0415 - loads FastAPI

        is_sound = check_app(
            Screen.of(),
            _target(app, app_option),
            factory=factory,
            fail_on=fail_on.value,
            ignore=ignore or [],
            baseline=baseline,
            base_url=base_url,
            ask_callables=ask_callables,
            as_data=as_data,
            as_sarif=as_sarif,
        )
        if not is_sound:
            raise typer.Exit(1)


@app.command("codes")
def _codes(*, as_data: options.Json = False) -> None:
    """List the codes of findings and log events.

    `route-cors check --explain CODE` explains one of them.
    """
    from route_cors.cli.codes import show_codes  # noqa: PLC0415 - only for this

    show_codes(Screen.of(), as_data=as_data)


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
    """Show what replaces the app's CORSMiddleware.

    It shows the lines to remove, the policy that does the same, what cannot be kept, and who would gain or
    lose access. No file is changed.
    """
    with reporting_errors(with_traceback=show_traceback):
        from route_cors.cli.migrate import show_migration  # noqa: PLC0415 - loads FastAPI

        show_migration(
            Screen.of(), _target(app, app_option), factory=factory, as_data=as_data, as_diff=as_diff
        )


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
    with reporting_errors(with_traceback=show_traceback):
        from route_cors.cli.find_app import find_app  # noqa: PLC0415 - loads FastAPI
        from route_cors.cli.serve import serve  # noqa: PLC0415 - loads the server

        found = find_app(_target(app, app_option), factory=factory)
        serve(Screen.of(), found.app, port=port, api=api)


def _target(argument: str | None, option: str | None) -> str | None:
    if argument is not None and option is not None:
        raise CommandError(f"the app is named twice: {argument!r} and --app {option!r}")
    return option if argument is None else argument
