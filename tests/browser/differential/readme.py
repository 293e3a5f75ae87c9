"""The README.md beside this, with the differences as tables.

In tests/, `python -m browser.differential.readme` writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from browser.engines import Name

from .differences import DIFFERENCES
from .senders_table import SENDER_DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .difference import Difference
    from .senders_table import SenderDifference

README: Final = Path(__file__).with_name("README.md")
NAMES: Final[tuple[Name, ...]] = get_args(Name)
TITLES: Final = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit"}

INTRODUCTION: Final = """\
# Where Chromium, Firefox, WebKit and the standard differ

The simulated browser of `route_cors.testing` does what the standards say: Fetch, Fetch Metadata and
RFC 6265bis. It is compared with Chromium, Firefox ESR and WebKitGTK: some 1,400 cases written by hand, and
generated ones. They agree except for the differences listed here. Each row is a test case that every engine
runs; it fails when an engine starts to differ or stops doing so.

A row shows the requests in the order in which they are sent and, after the arrow, the result of each
`fetch()`. `a` and `b` are other origins of the page's site, `far` is another site. An empty cell means that
the engine does what the standard says.

```sh
# All three engines:
python -m pytest tests/browser/differential
# A soak:
ROUTE_CORS_BROWSER_FETCHES=10000 python -m pytest tests/browser/differential -k generated
# Write this file:
cd tests && python -m browser.differential.readme
```

Each engine starts with a new profile and sends everything through a proxy that knows only the servers of the
tests. Without a proxy, Firefox drops a cached preflight whenever it looks up the host's address again.

## What one browser does, in your tests

`Browser(..., engine="firefox")` does what that browser does where it differs. By the standard a cookie
without SameSite is `Lax` and stays away from a stranger's form; in Firefox and WebKit it goes along:

```python
from fastapi import FastAPI, Response
from route_cors.testing import Browser, CORSBlocked

app = FastAPI()

@app.post("/account")
async def save_account() -> None: ...

def test_the_cookie_of_a_strangers_form() -> None:
    for engine, cookie in (("standard", None), ("firefox", "session=7")):
        api = "https://api.example.com"
        stranger = Browser(app, origin="https://evil.example", base_url=api, engine=engine)
        stranger.cookies.set("session", "7")
        stranger.submit("/account")
        assert stranger.history[-1].request.headers.get("cookie") == cookie
```

The other way round, by the standard `*` does not cover `Authorization`, and all three browsers let it
through. Here with headers written by hand; a policy of route_cors with `allow_headers="*"` refuses it
everywhere:

<!-- continues -->
```python
import pytest

@app.api_route("/me", methods=["OPTIONS", "GET"])
async def me() -> Response:
    return Response(headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"})

def test_the_wildcard_and_authorization() -> None:
    token = {"Authorization": "Bearer ..."}
    chromium = Browser(app, origin="https://app.example.com", engine="chromium")
    assert chromium.fetch("/me", headers=token).status_code == 200
    with pytest.raises(CORSBlocked, match="authorization"):
        Browser(app, origin="https://app.example.com").fetch("/me", headers=token)
```

By default it follows the standards. It leaves out what does not concern CORS: the HTTP cache, mixed content,
CSP, CORP, `Referer`, `User-Agent`, prompts for a password, the blocking of third-party cookies, service
workers. It reads responses to their end, so set a time limit for streams that do not end.
"""


def as_text() -> str:
    return "\n".join([INTRODUCTION, *_of_fetches(), "", *_of_the_rest(), ""])


def _of_fetches() -> list[str]:
    return ["## fetch()", "", *_table(DIFFERENCES)]


def _of_the_rest() -> list[str]:
    return ["## Forms, links, images and websockets", "", *_table(SENDER_DIFFERENCES)]


def _table(differences: Sequence[Difference | SenderDifference]) -> list[str]:
    lines = [
        f"| what differs | the standard | in the standard | {' | '.join(TITLES[name] for name in NAMES)} |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in differences:
        engines = (_code(each.does[name]) if name in each.does else "" for name in NAMES)
        lines.append(_row(each.name, each.standard_says, _code(each.standard), *engines))
    return lines


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    visible = text.replace("\n", ", ").encode("unicode_escape").decode("ascii").replace("|", "\\|")
    return f"`{visible}`"


if __name__ == "__main__":
    README.write_text(as_text(), encoding="utf-8")
