"""The options of the commands, with their help: typer reads them from the annotations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

_APP_HELP = (
    "module:app, a module, or a file: main.py or main.py:app; module:create_app() calls the function that "
    "makes the app. By default it is looked for where `fastapi dev` does: the entrypoint in pyproject.toml, "
    "then main.py, app.py and api.py, here and in app/."
)

App: TypeAlias = Annotated[str | None, typer.Argument(metavar="APP", help=_APP_HELP, show_default=False)]
AppOption: TypeAlias = Annotated[
    str | None, typer.Option("--app", "-a", metavar="APP", help="The same as APP.", show_default=False)
]
OnlyAppOption: TypeAlias = Annotated[
    str | None, typer.Option("--app", "-a", metavar="APP", help=_APP_HELP, show_default=False)
]
Factory: TypeAlias = Annotated[
    bool, typer.Option("--factory", help="APP is a function that makes the app: call it.")
]
Traceback: TypeAlias = Annotated[
    bool, typer.Option("--traceback", help="Show the traceback if the app cannot be imported.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Origin: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--origin", "-o", metavar="ORIGIN", help="Show what pages of this origin may do.", show_default=False
    ),
]
Filter: TypeAlias = Annotated[
    str,
    typer.Option(
        "--filter",
        "-f",
        metavar="TEXT",
        help="Show only routes with this text in their methods, path, endpoint or policy.",
        show_default=False,
    ),
]
All: TypeAlias = Annotated[
    bool, typer.Option("--all", help="Show the routes of FastAPI's own docs as well: /docs, /openapi.json, …")
]
Pager: TypeAlias = Annotated[
    bool, typer.Option("--pager/--no-pager", help="Whether to page a table that is longer than the terminal.")
]

Method: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="METHOD", help="GET, PUT, …; WS for a websocket's handshake.", show_default=False),
]
CallPath: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH", help="The path in the app, with its query; or a whole URL.", show_default=False
    ),
]
MethodOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--method", "-X", metavar="METHOD", help="In place of METHOD.", show_default=False),
]


class As(StrEnum):
    """How a page sends a call."""

    FETCH = "fetch"
    FORM = "form"
    IMAGE = "image"
    LINK = "link"


AsOption: TypeAlias = Annotated[
    As,
    typer.Option(
        "--as",
        help="How the page sends it: by a script's fetch; or as a form, an image or a link, which CORS "
        "does not stop.",
    ),
]
CallOrigin: TypeAlias = Annotated[
    str,
    typer.Option(
        "--origin",
        "--from",
        "-o",
        metavar="ORIGIN",
        help="The page's origin, as in its address bar: https://app.example.com; null if sandboxed.",
        show_default=False,
    ),
]
Headers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        "-H",
        metavar="HEADER",
        help="A header that the script sets: 'Name: value', or only the name. May be given several times.",
        show_default=False,
    ),
]
Credentials: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--credentials",
        "-c",
        help='The script sets credentials: "include"; a form, an image or a link is sent with cookies.',
    ),
]
BaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where the app is served. The default is https://testserver.",
        show_default=False,
    ),
]


ApiBaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where the app is served. It decides which origins are of another site and get no cookies.",
        show_default=False,
    ),
]
AskCallables: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--ask-callables",
        help="Call the callables among the origins with made-up origins. This runs your code.",
    ),
]


class FailOn(StrEnum):
    """The lowest severity for which `check` fails."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


FailOnOption: TypeAlias = Annotated[
    FailOn, typer.Option("--fail-on", help="The lowest severity for which the exit code is 1.")
]
Sarif: TypeAlias = Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code scanning.")]
Ignore: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODE",
        help="Leave these findings out: RC012, or RC012,RC013. May be given several times.",
        show_default=False,
    ),
]
ExplainCode: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="CODE",
        help="Explain a code, with an example and its fix: RC005, or RCE02 of the log. `route-cors codes` "
        "lists them.",
        show_default=False,
    ),
]
Baseline: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="The output of an earlier `route-cors table --json`: what was opened since then is reported "
        "as RC101, and what was closed as RC102.",
        show_default=False,
    ),
]
Diff: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--diff",
        help="Print a patch for `git apply`, if the middleware is added by a plain statement of a module.",
    ),
]

Port: TypeAlias = Annotated[
    int, typer.Option("--port", "-p", metavar="N", help="The port of the inspector; 0 is any free one.")
]
ApiUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help="The URL of the running app. By default it is served here, on a free port.",
        show_default=False,
    ),
]

ProbedUrl: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="URL", help="Of the running server, whole: https://api.example.com/account/7."),
]
ProbedMethod: TypeAlias = Annotated[
    str, typer.Option("--method", "-X", metavar="METHOD", help="That the script calls fetch with.")
]
ProbedCredentials: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--credentials", "-c", help='The script asks for credentials: "include". There are no cookies.'
    ),
]
Send: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--send",
        help="Send also a request that may change something: any but GET, HEAD and OPTIONS. Its body is "
        "empty.",
    ),
]
Timeout: TypeAlias = Annotated[
    int,
    typer.Option("--timeout", metavar="SECONDS", min=1, max=600, help="How long to wait for each response."),
]


class Engine(StrEnum):
    """Whose behaviour the browser has."""

    STANDARD = "standard"
    CHROMIUM = "chromium"
    FIREFOX = "firefox"
    WEBKIT = "webkit"


EngineOption: TypeAlias = Annotated[
    Engine, typer.Option("--engine", help="The browser, which differs from the standard in a few cases.")
]
