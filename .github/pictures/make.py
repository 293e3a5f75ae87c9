"""Makes the README's pictures anew from the running programs: python .github/pictures/make.py [NAME ...] ."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from innermost import page as page_of_innermost
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]

# A third of the size, and no difference that can be seen.
COLOURS = 128

APP = "examples/mixed_api.py"
TABLE = f"table {APP} --no-pager"
CHECK = "check tests/misuse/star_for_cookies.py"
UPLOAD_PATH = "/account/files/a.txt"
UPLOAD_OPTIONS = "--origin https://evil.example --header X-Checksum"
UPLOAD = f"explain PUT {UPLOAD_PATH} {UPLOAD_OPTIONS} --app {APP}"


def main(*names: str) -> None:
    """Make those pictures, or all of them."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for name in names or PICTURES:
            file = HERE / f"{name}.png"
            PICTURES[name](browser, file)
            Image.open(file).quantize(COLOURS).save(file, optimize=True)
        browser.close()


def picture_stranger(browser: Browser, file: Path) -> None:
    """The stranger's page, after the trusted one has logged in: its calls carry the same cookie."""
    with running_example() as (_, trusted, stranger):
        page = browser.new_page(viewport={"width": 1120, "height": 690}, color_scheme="light")
        for address in (trusted, stranger):
            page.goto(address)
            page.get_by_text("all as expected").wait_for()
        page.screenshot(path=file)
        page.close()


def picture_table(browser: Browser, file: Path) -> None:
    """What `route-cors table` prints on a terminal."""
    draw_terminal(browser, file, TABLE, columns=128)


def picture_explain(browser: Browser, file: Path) -> None:
    """What `route-cors explain` prints on a terminal, of a call that is refused."""
    draw_terminal(browser, file, UPLOAD, columns=112)


def picture_probe(browser: Browser, file: Path) -> None:
    """What `route-cors probe` prints of a call to the running example."""
    with running_example() as (api, *_):
        draw_terminal(browser, file, f"probe {api}{UPLOAD_PATH} {UPLOAD_OPTIONS} -X PUT", columns=112)


def picture_inspector(browser: Browser, file: Path) -> None:
    """The inspector's page, on the same API."""
    with running([sys.executable, "-m", "route_cors", "serve", APP, "--port", "0"]) as read_line:
        address = re.findall(r"http://\S+", read_line())[0]
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(address)
        page.get_by_role("row", name="/account/profile").wait_for()
        page.screenshot(path=file)
        page.close()


def picture_check(browser: Browser, file: Path) -> None:
    """What `route-cors check` prints of a program with a mistake."""
    draw_terminal(browser, file, CHECK, columns=112)


def picture_innermost(browser: Browser, file: Path) -> None:
    """Which policy applies to each route of the app in the README."""
    page = browser.new_page(viewport={"width": 920, "height": 300}, device_scale_factor=2)
    page.set_content(page_of_innermost((ROOT / "README.md").read_text(encoding="utf-8")))
    page.locator("main").screenshot(path=file)
    page.close()


PICTURES: dict[str, Callable[[Browser, Path], None]] = {
    "stranger": picture_stranger,
    "table": picture_table,
    "explain": picture_explain,
    "probe": picture_probe,
    "check": picture_check,
    "innermost": picture_innermost,
    "inspector": picture_inspector,
}


@contextmanager
def running_example() -> Iterator[list[str]]:
    """The addresses of the API and of the two front ends."""
    ports = [argument for name in ("api", "trusted", "stranger") for argument in (f"--{name}-port", "0")]
    with running([sys.executable, APP, *ports]) as read_line:
        yield [re.findall(r"http://\S+", read_line())[0] for _ in range(3)]


@contextmanager
def running(command: list[str]) -> Iterator[Callable[[], str]]:
    """A program of the repository, and what reads its next line."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603 - our own
        stdout = program.stdout
        if stdout is None:
            raise RuntimeError(f"{command} has no output")
        try:
            yield stdout.readline
        finally:
            program.terminate()


def draw_terminal(browser: Browser, file: Path, arguments: str, *, columns: int) -> None:
    """The command and what it prints, in a terminal of that width."""
    console = Console(record=True, width=columns, file=io.StringIO())
    console.print(f"$ route-cors {arguments}", highlight=False)
    console.print(Text.from_ansi(printed_on_a_terminal(arguments, columns)))
    page = browser.new_page(viewport={"width": 14 * columns, "height": 900})
    # Offline: the font that the SVG names is not fetched, and the system's stands in.
    page.route("**", lambda route: route.abort())
    page.set_content(console.export_svg(title="route-cors", theme=MONOKAI))
    page.locator("svg").first.screenshot(path=file)
    page.close()


def printed_on_a_terminal(arguments: str, columns: int) -> str:
    """What the command prints where it has colours."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", "LINES": "200"}
    command = [sys.executable, "-m", "route_cors", *arguments.split()]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=theirs, stderr=theirs):  # noqa: S603 - our own
        os.close(theirs)
        printed = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    """What is there; nothing at its end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


if __name__ == "__main__":
    main(*sys.argv[1:])
