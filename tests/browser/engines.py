"""Real browsers without a driver: each opens one page, which does all the work and posts what it saw.

An engine is started with a profile of its own that is thrown away, in a fixed locale, and with a proxy that
does not answer for everything but this machine. Nothing is downloaded and nobody is asked; the processes are
those of one process group and end with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Name: TypeAlias = Literal["chromium", "firefox", "webkit"]

LANGUAGE: Final = "en-US"
# Of WebKit's: Debian's package webkit2gtk-driver puts it here, and not on the PATH.
MINI_BROWSERS: Final = "webkit2gtk-4.*/MiniBrowser"
LIBRARIES: Final = (Path("/usr/lib"), Path("/usr/libexec"), Path("/usr/lib64"))
LAST_WORDS: Final = 2000


class EngineError(Exception):
    """An engine that did not do its work: it ended, hung, or is not set up as the tests need it."""


@dataclass(frozen=True)
class Engine:
    """How one browser is found and started.

    `arguments` are those of the command line for a profile, a proxy and the page's address; `prepare` writes
    into the profile what cannot be said there.
    """

    name: Name
    package: str
    names: Sequence[str]
    arguments: Callable[[Path, str, str], Sequence[str]]
    prepare: Callable[[Path, str], None]
    needs_display: bool = False

    @property
    def variable(self) -> str:
        return f"ROUTE_CORS_{self.name.upper()}"

    def missing(self) -> str | None:
        """Why this engine cannot be started here, and what to do; None if it can."""
        if self.path() is None:
            named = os.environ.get(self.variable)
            if named:
                return f"no {self.name} at {named} ({self.variable})"
            return f"no {self.name}: apt-get install {self.package}, or name it in {self.variable}"
        if self.needs_display and shutil.which("Xvfb") is None:
            return f"{self.name} needs a display: apt-get install xvfb"
        return None

    def path(self) -> str | None:
        named = os.environ.get(self.variable)
        if named:
            return shutil.which(named)
        on_the_path = (shutil.which(name) for name in self.names)
        return next((path for path in (*on_the_path, *self._elsewhere()) if path is not None), None)

    def _elsewhere(self) -> Iterator[str]:
        if self.name == "webkit":
            for libraries in LIBRARIES:
                yield from sorted(map(str, libraries.glob(f"**/{MINI_BROWSERS}")), reverse=True)

    @contextmanager
    def open(self, url: str, proxy: str, told: Callable[[EngineError], None]) -> Iterator[None]:
        """The browser with this page alone, which sends everything to the proxy.

        `told` hears, from another thread, if the browser ends by itself.
        """
        path = self.path()
        if path is None:
            raise EngineError(self.missing())
        with ExitStack() as stack:
            profile = Path(
                stack.enter_context(TemporaryDirectory(prefix=f"{self.name}-", ignore_cleanup_errors=True))
            )
            environment = _environment(profile)
            if self.needs_display:
                environment["DISPLAY"] = stack.enter_context(_display())
            self.prepare(profile, proxy)
            command = [path, *self.arguments(profile, proxy, url)]
            stack.enter_context(_running(self.name, command, environment, profile, told))
            yield


# Of a Chromium that Playwright drives; one on its own needs more, to be as quiet.
DRIVEN_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


# --- The three


def _chromium_arguments(profile: Path, proxy: str, url: str) -> Sequence[str]:
    return (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--disable-popup-blocking",
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
        "--no-first-run",
        "--no-default-browser-check",
        "--password-store=basic",
        f"--lang={LANGUAGE}",
        f"--accept-lang={LANGUAGE}",
        f"--proxy-server={proxy}",
        "--proxy-bypass-list=<-loopback>",
        f"--user-data-dir={profile}",
        url,
    )


def _prepare_chromium(profile: Path, _: str) -> None:
    # Some builds block the cookies of other sites unless they are told not to.
    (profile / "Default").mkdir()
    (profile / "Default" / "Preferences").write_text(
        '{"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": false}}', encoding="utf-8"
    )


def _firefox_arguments(profile: Path, _: str, url: str) -> Sequence[str]:
    return ("--headless", "--no-remote", "--new-instance", "--profile", str(profile), url)


def _prepare_firefox(profile: Path, proxy: str) -> None:
    host, _, port = proxy.removeprefix("http://").partition(":")
    preferences: Mapping[str, str] = {
        "network.proxy.type": "1",
        "network.proxy.http": f'"{host}"',
        "network.proxy.http_port": port,
        "network.proxy.ssl": f'"{host}"',
        "network.proxy.ssl_port": port,
        "network.proxy.allow_hijacking_localhost": "true",
        "intl.accept_languages": f'"{LANGUAGE}"',
        "intl.locale.requested": f'"{LANGUAGE}"',
        # Cookies of other sites are sent, and not kept in a jar for each site that embeds them.
        "network.cookie.cookieBehavior": "0",
        # What the first start of a profile shows and asks.
        "browser.aboutwelcome.enabled": "false",
        "browser.shell.checkDefaultBrowser": "false",
        "browser.startup.homepage_override.mstone": '"ignore"',
        "browser.startup.page": "0",
        "browser.sessionstore.resume_from_crash": "false",
        "datareporting.policy.dataSubmissionEnabled": "false",
        "datareporting.policy.dataSubmissionPolicyBypassNotification": "true",
        "toolkit.telemetry.enabled": "false",
        "toolkit.telemetry.reportingpolicy.firstRun": "false",
        "trailhead.firstrun.didSeeAboutWelcome": "true",
        "termsofuse.bypassNotification": "true",
        # What asks servers of its own.
        "app.normandy.enabled": "false",
        "app.update.auto": "false",
        "app.update.enabled": "false",
        "browser.newtabpage.enabled": "false",
        "browser.region.update.enabled": "false",
        "browser.safebrowsing.downloads.remote.enabled": "false",
        "browser.safebrowsing.malware.enabled": "false",
        "browser.safebrowsing.phishing.enabled": "false",
        "browser.search.update": "false",
        "dom.push.connection.enabled": "false",
        "extensions.getAddons.cache.enabled": "false",
        "extensions.systemAddon.update.enabled": "false",
        "extensions.update.enabled": "false",
        "media.gmp-manager.updateEnabled": "false",
        "network.captive-portal-service.enabled": "false",
        "network.manage-offline-status": "false",
        "network.notify.changed": "false",
        "network.connectivity-service.enabled": "false",
        "services.settings.server": '"data:,#remote-settings-dummy/v1"',
        # The page's own windows, and one that takes long.
        "dom.disable_open_during_load": "false",
        "dom.max_script_run_time": "0",
    }
    lines = [f'user_pref("{name}", {value});\n' for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")


def _webkit_arguments(_: Path, proxy: str, url: str) -> Sequence[str]:
    return (
        "--cookies-policy=always",
        "--javascript-can-open-windows-automatically=true",
        f"--proxy={proxy}",
        # Its websockets do not take the way through a proxy; to this machine it needs none.
        *(f"--ignore-host={host}" for host in ("127.0.0.1", "localhost", "*.localhost")),
        url,
    )


def _prepare_nothing(_: Path, __: str) -> None:
    """All is said on the command line."""


ENGINES: Final[Mapping[Name, Engine]] = {
    "chromium": Engine(
        "chromium",
        "chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        _chromium_arguments,
        _prepare_chromium,
    ),
    "firefox": Engine(
        "firefox", "firefox-esr", ("firefox-esr", "firefox"), _firefox_arguments, _prepare_firefox
    ),
    "webkit": Engine(
        "webkit",
        "webkit2gtk-driver",
        ("MiniBrowser",),
        _webkit_arguments,
        _prepare_nothing,
        needs_display=True,
    ),
}


# --- What each needs


def _environment(profile: Path) -> dict[str, str]:
    """That of the tests, without a desktop, and with all that is remembered kept in the profile."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        kept.pop(name, None)
    home = str(profile)
    runtime = profile / "runtime"
    runtime.mkdir(mode=0o700)
    return kept | {
        "HOME": home,
        "XDG_CACHE_HOME": f"{home}/cache",
        "XDG_CONFIG_HOME": f"{home}/config",
        "XDG_DATA_HOME": f"{home}/data",
        "XDG_RUNTIME_DIR": str(runtime),
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "GSETTINGS_BACKEND": "memory",
        "GTK_A11Y": "none",
        "NO_AT_BRIDGE": "1",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        "MOZ_CRASHREPORTER_DISABLE": "1",
        "LANG": "en_US.UTF-8",
        "LC_ALL": "en_US.UTF-8",
        "LANGUAGE": LANGUAGE.replace("-", "_"),
        "TZ": "UTC",
    }


@contextmanager
def _display() -> Iterator[str]:
    """A screen that nobody sees, under the first number that is free."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    process = subprocess.Popen(
        command,
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="ascii") as numbers:
            number = numbers.readline().strip()
        if not number:
            raise EngineError("Xvfb ended before it had a display")
        yield f":{number}"
    finally:
        _end(process)


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    profile: Path,
    told: Callable[[EngineError], None],
) -> Iterator[None]:
    said = profile / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=profile,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def watch() -> None:
        status = process.wait()
        words = said.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:] if said.exists() else ""
        told(EngineError(f"{name} ended by itself with status {status}; it said:\n{words}"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _end(process)
        watcher.join()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started: its group has its id."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
