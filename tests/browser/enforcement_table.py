"""Which requests of which pages run, by the contract of enforcement.

A cell holds the letters of the policies under which the endpoint runs; all others answer 403. Behind a slash
are those where the browser sends nothing at all.

    n  names the partner, with credentials          0  no policy
    w  `*`, and the browser has no cookie           x  no_cors
    c  `*`, and the browser has a cookie            f  as n, with enforce=False

The pages are of the app's own origin, a subdomain of its host (same-site), the partner and a stranger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from .enforcing import PATHS, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES: Final = ("own", "sibling", "partner", "stranger")

# The browser says who sends it: the app is on a secure origin.
DIRECT: Final = """
way                              method  own     sibling    partner      stranger
form urlencoded                  POST    nwc0xf  wf         nwf          wf
form multipart                   POST    nwc0xf  wf         nwf          wf
form text                        POST    nwc0xf  wf         nwf          wf
form get                         GET     nwc0xf  nwc0xf     nwc0xf       nwc0xf
form no-referrer                 POST    nwc0xf  wf         wf           wf
form sandboxed                   POST    wf      wf         wf           wf
link                             GET     nwc0xf  nwc0xf     nwc0xf       nwc0xf
image                            GET     nwc0xf  nwc0xf     nwc0xf       nwc0xf
image crossorigin                GET     nwc0xf  wcf        nwcf         wcf
image crossorigin cookies        GET     nwc0xf  wf         nwf          wf
script                           GET     nwc0xf  nwc0xf     nwc0xf       nwc0xf
ping                             POST    nwc0xf  wf         nwf          wf
beacon                           POST    nwc0xf  wf         nwf          wf
csp report                       POST    nwc0xf  wcf        nwcf         wcf
events                           GET     nwc0xf  wf         nwf          wf
fetch get                        GET     nwc0xf  wf         nwf          wf
fetch get omit                   GET     nwc0xf  wcf        nwcf         wcf
fetch get no-cors                GET     nwc0xf  nwc0xf     nwc0xf       nwc0xf
fetch get same-origin            GET     nwc0xf  /nwc0xf    /nwc0xf      /nwc0xf
fetch post                       POST    nwc0xf  wf         nwf          wf
fetch post omit                  POST    nwc0xf  wcf        nwcf         wcf
fetch post no-cors               POST    nwc0xf  wf         nwf          wf
fetch post same-origin           POST    nwc0xf  /nwc0xf    /nwc0xf      /nwc0xf
fetch post keepalive             POST    nwc0xf  wf         nwf          wf
fetch post no-referrer           POST    nwc0xf  wf         nwf          wf
fetch post json                  POST    nwc0xf  /nwc0xf    nf/wc0x      /nwc0xf
fetch put                        PUT     nwc0xf  /nwc0xf    nf/wc0x      /nwc0xf
fetch put omit                   PUT     nwc0xf  wc/n0xf    nwcf/0x      wc/n0xf
fetch put same-origin            PUT     nwc0xf  /nwc0xf    /nwc0xf      /nwc0xf
websocket                        WS      nwc0xf  wc0        nwc0f        wc0
"""

# As above, through redirects: by the app itself (a route with enforce=False), or by others.
REDIRECTED: Final = """
way                              method  own   sibling  partner  stranger
form own 302                     GET     nw0   nw0      nw0      nw0
form own 307                     POST    nw0   w        nw       w
form own 308                     POST    nw0   w        nw       w
form stranger 302                GET     nw0   nw0      nw0      nw0
form stranger 307                POST    w     w        w        w
form stranger 308                POST    w     w        w        w
form partner 307                 POST    w     w        nw       w
form no-referrer own 307         POST    nw0   w        w        w
link own 307                     GET     nw0   nw0      nw0      nw0
link stranger 302                GET     nw0   nw0      nw0      nw0
image stranger 302               GET     nw0   nw0      nw0      nw0
fetch get stranger 302           GET     w     w        w        w
fetch post own 307               POST    nw0   /nw0     nw       /nw0
fetch post stranger 302          GET     w     w        w        w
fetch post stranger 307          POST    w     w        w        w
fetch post stranger 308          POST    w     w        w        w
fetch post no-cors own 307       POST    nw0   w        nw       w
fetch post keepalive own 308     POST    nw0   /nw0     nw       /nw0
fetch post partner 307           POST    w     w        nw       w
fetch post no-cors stranger 307  POST    w     w        w        w
fetch put stranger 307           PUT     /nw0  /nw0     /nw0     /nw0
"""

# The browser says nothing: the app is on plain http.
PLAIN: Final = """
way                              method  own   sibling  partner  stranger
form urlencoded                  POST    nw0   w        nw       w
form get                         GET     nw0   nw0      nw0      nw0
form no-referrer                 POST    w     w        w        w
form sandboxed                   POST    w     w        w        w
link                             GET     nw0   nw0      nw0      nw0
image                            GET     nw0   nw0      nw0      nw0
image crossorigin                GET     nw0   w        nw       w
beacon                           POST    nw0   w        nw       w
fetch get                        GET     nw0   w        nw       w
fetch get no-cors                GET     nw0   nw0      nw0      nw0
fetch post                       POST    nw0   w        nw       w
fetch post no-cors               POST    nw0   w        nw       w
fetch put omit                   PUT     nw0   w/n0     nw/0     w/n0
websocket                        WS      nw0   w0       nw0      w0
form own 307                     POST    nw0   w        nw       w
form stranger 307                POST    w     w        w        w
"""

_POST: Final = {"method": "POST"}
WAYS: Final = {
    "form urlencoded": Way("form", "application/x-www-form-urlencoded"),
    "form multipart": Way("form", "multipart/form-data"),
    "form text": Way("form", "text/plain"),
    "form get": Way("form get"),
    "form no-referrer": Way("form no-referrer"),
    "form sandboxed": Way("form sandboxed"),
    "form": Way("form", "application/x-www-form-urlencoded"),
    "link": Way("link"),
    "ping": Way("ping"),
    "image": Way("image"),
    "image crossorigin": Way("image crossorigin", "anonymous"),
    "image crossorigin cookies": Way("image crossorigin", "use-credentials"),
    "script": Way("script"),
    "beacon": Way("beacon"),
    "csp report": Way("csp report"),
    "events": Way("events"),
    "websocket": Way("websocket"),
    "fetch get": Way("fetch", {}),
    "fetch get omit": Way("fetch", {"credentials": "omit"}),
    "fetch get no-cors": Way("fetch", {"mode": "no-cors"}),
    "fetch get same-origin": Way("fetch", {"mode": "same-origin"}),
    "fetch post": Way("fetch", _POST),
    "fetch post omit": Way("fetch", {**_POST, "credentials": "omit"}),
    "fetch post no-cors": Way("fetch", {**_POST, "mode": "no-cors"}),
    "fetch post same-origin": Way("fetch", {**_POST, "mode": "same-origin"}),
    "fetch post keepalive": Way("fetch", {**_POST, "keepalive": True}),
    "fetch post no-referrer": Way("fetch", {**_POST, "referrerPolicy": "no-referrer"}),
    "fetch post json": Way("fetch", {**_POST, "headers": {"Content-Type": "application/json"}}),
    "fetch put": Way("fetch", {"method": "PUT"}),
    "fetch put omit": Way("fetch", {"method": "PUT", "credentials": "omit"}),
    "fetch put same-origin": Way("fetch", {"method": "PUT", "mode": "same-origin"}),
}


def way_of(name: str) -> Way:
    """The way with that name; `own 307` and the like at its end are a redirect that it takes."""
    if name in WAYS:
        return WAYS[name]
    by, whose, status = name.rsplit(" ", 2)
    return Way(WAYS[by].by, WAYS[by].argument, f"{whose} {status}")


Outcome: TypeAlias = Literal["ran", "refused", "unsent"]


@dataclass(frozen=True)
class Cell:
    """One request of one page, under one policy."""

    way: str
    method: str
    page: str
    letter: str
    outcome: Outcome

    @property
    def name(self) -> str:
        return f"{self.way}, {self.page}, {self.letter}"


def cells(table: str) -> Iterator[Cell]:
    """The cells of a table, for the letters that are in it."""
    head, *lines = filter(None, table.splitlines())
    assert tuple(head.split()[2:]) == PAGES
    start = head.index("method")
    rows = [(line[:start].strip(), *line[start:].split()) for line in lines]
    letters = {letter for _, _, *row in rows for letter in "".join(row)} - {"/"}
    assert letters <= set(PATHS)
    for way, method, *row in rows:
        for page, cell in zip(PAGES, row, strict=True):
            ran, _, unsent = cell.partition("/")
            for letter in sorted(letters):
                outcome: Outcome = "ran" if letter in ran else "unsent" if letter in unsent else "refused"
                by_the_standard = Cell(way, method, page, letter, outcome)
                yield CHROMIUM.get(by_the_standard.name, by_the_standard)


# Where Chromium says of a page what the Fetch standard does not. Nothing of a stranger's runs by it.
CHROMIUM: Final = {
    cell.name: cell
    for cell in (
        # Any redirect to another origin makes the Origin of a navigation `null`; by the standard two do:
        # https://fetch.spec.whatwg.org/#concept-request-tainted-origin.
        Cell("form partner 307", "POST", "partner", "n", "refused"),
        # A fetch() that a redirect turns from POST to GET is sent anew, and the way it took is forgotten:
        # `same-origin` in place of `cross-site`. It is still the app's own page that has sent it.
        Cell("fetch post stranger 302", "GET", "own", "n", "ran"),
        Cell("fetch post stranger 302", "GET", "own", "0", "ran"),
    )
}
