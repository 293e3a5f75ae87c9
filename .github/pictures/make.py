"""Makes the README's picture anew from the running example: python .github/pictures/make.py ."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "mixed_api.py"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]


def main() -> None:
    """Start the example, open both pages, and stop it again."""
    ports = [argument for name in ("api", "trusted", "stranger") for argument in (f"--{name}-port", "0")]
    with subprocess.Popen([sys.executable, EXAMPLE, *ports], stdout=subprocess.PIPE, text=True) as example:  # noqa: S603 - our own program
        try:
            stdout = example.stdout
            if stdout is None:
                raise RuntimeError("the example has no output")
            printed = [stdout.readline() for _ in range(3)]
            _, trusted, stranger = (re.findall(r"http://\S+", line)[0] for line in printed)
            take_picture(trusted, stranger)
        finally:
            example.terminate()


def take_picture(trusted: str, stranger: str) -> None:
    """The stranger's page, after the trusted one has logged in: its calls carry the same cookie."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1120, "height": 690}, color_scheme="light")
        for address in (trusted, stranger):
            page.goto(address)
            page.get_by_text("all as expected").wait_for()
        page.screenshot(path=HERE / "stranger.png")
        browser.close()


if __name__ == "__main__":
    main()
