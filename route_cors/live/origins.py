"""`LiveOrigins`: an item of `origins` whose members change while the app runs."""

from __future__ import annotations

import importlib
import math
import os
import threading
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeAlias, final

import anyio

from route_cors.arguments import takes
from route_cors.decisions import LIVE_CHANGED, LIVE_NOT_RUNNING, bounded_names, escaped
from route_cors.diagnostics import LOGGER
from route_cors.errors import CORSConfigError, Problem
from route_cors.live.kept import read_kept, write_kept
from route_cors.live.loading import Loading
from route_cors.live.members import Members, Rules, admitted, read_members
from route_cors.origins import LiveItem

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from route_cors.origin_set import OriginSet

Load: TypeAlias = Callable[[], Iterable[str] | Awaitable[Iterable[str]]]
"""What returns the members: a plain function, which runs in a thread, or an async one."""

Wake: TypeAlias = AsyncIterable[object] | Callable[[], AsyncIterable[object]]
"""Each item says that there is something new."""

_MAX_LOGGED: Final = 10
_TAKES_ARGUMENTS: Final = "it must be callable without arguments: use functools.partial"
_NO_SECONDS: Final = "not a number of seconds greater than 0"
_NO_WAKE: Final = "not an async iterator, and not a callable that returns one"


class _View:
    """What some policies may use of the set, and what is wrong with the rest: replaced as a whole."""

    __slots__ = ("admitted", "is_missing")

    def __init__(self, is_missing: Callable[[], bool], first: tuple[OriginSet, list[Problem]]) -> None:
        self.is_missing = is_missing
        self.admitted = first

    def matches(self, origin: bytes) -> bool:
        return self.admitted[0].matches(origin) or self.is_missing()


@final
class LiveOrigins(LiveItem):
    """An item of `origins` whose members change while the app runs: from a table, Redis, a file.

    Requests never wait for it: they use the last good set, which is replaced as a whole. If a load fails,
    takes longer than `every` (at least 1 second, at most 30) or does not return origins, the set stays as it
    is, and the load is tried again: after 1 second, then 2, 4, and so on up to `every`. A member that is not
    an origin is left out; one that a policy may not use (`http:` with credentials, for example) is left out
    of that policy. Each kind of failure is logged once until it works again.

    It is loaded while an app with a layer runs (`install_cors`), and elsewhere inside `async with`. Without a
    kept file and without `first`, start-up waits for the first load.

    Args:
        load: a callable without arguments that returns the origins and origin patterns, at most 100,000. A
            plain function runs in a thread, and should have a time limit of its own.
        every: seconds between two calls, varied by up to a tenth.
        wake: an async iterator, or a callable that returns one (such as an async generator function). Each
            item means: load now. Several during one load lead to one more. When it ends or raises, it is
            called again, after the same pauses as a failed load.
        keep: a file for the last good set. It is written at each change and read at the next start. Anyone
            who can write to it can allow origins.
        first: the members before the first load.
        required: whether start-up fails if the first load fails and there is no kept file.

    Attributes:
        origins: the members now, sorted.
        problems: what was left out, and why.
        age: seconds since the last good load; None before the first one.

    Raises:
        CORSConfigError: with everything that is wrong with the arguments.

    >>> from route_cors import CORSPolicy
    >>> async def partners() -> list[str]:
    ...     return ["https://partner.example"]
    >>> policy = CORSPolicy(origins=["https://app.example.com", LiveOrigins(partners, every=30)])
    """

    def __init__(
        self,
        load: Load,
        *,
        every: float = 60.0,
        wake: Wake | None = None,
        keep: str | os.PathLike[str] | None = None,
        first: Iterable[str] = (),
        required: bool = False,
    ) -> None:
        problems = _problems(load, every, wake, keep, required)
        self._members = _first_members(first, problems)
        if problems:
            raise CORSConfigError(problems)
        # By name: `insight` is not needed to declare anything else.
        self._name: str = importlib.import_module("route_cors.insight.describe").name_of(load)
        self._keep = None if keep is None else Path(keep)
        self._required = required
        self._has_first = bool(self._members.origins)
        self._loaded_at: float | None = None
        self._views: dict[Rules, _View] = {}
        # Held while the set is replaced, or a policy declared; never by a request.
        self._lock = threading.Lock()
        self._loading = Loading(load, wake, every, self._take_loaded, self._state)
        self._has_been_run = False
        self._entered: list[tuple[int, AbstractAsyncContextManager[None]]] = []

    @property
    def name(self) -> str:
        """The name of the load."""
        return self._name

    @property
    def origins(self) -> tuple[str, ...]:
        """The members now, sorted."""
        return tuple(sorted(self._members.origins))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out of the set, or of what a policy uses of it, and why; each once."""
        of_views = [problem for view in [*self._views.values()] for problem in view.admitted[1]]
        return (*self._members.problems, *{str(problem): problem for problem in of_views}.values())

    @property
    def age(self) -> float | None:
        """Seconds since the last good load; None before the first one."""
        return None if self._loaded_at is None else time.monotonic() - self._loaded_at

    def under(self, *, insecure: bool, public_suffixes: bool) -> Callable[[bytes], bool]:
        """What policies that allow insecure origins, or public suffixes, or do not, may use of it."""
        rules = Rules(insecure, public_suffixes)
        with self._lock:
            if rules not in self._views:
                self._views[rules] = _View(self._is_missing, admitted(self._members.origins, rules))
            return self._views[rules].matches

    def _is_missing(self) -> bool:
        """False, for an origin that is not a member; logs once if the reason may be that nothing loads it."""
        if not self._has_been_run:
            self._has_been_run = True
            LOGGER.warning(
                "%s: %s: install_cors(app) runs them with the app, if the server sends lifespan events (a"
                " TestClient does inside `with`); elsewhere write `async with origins:`",
                LIVE_NOT_RUNNING,
                self._state(),
            )
        return False

    def _state(self) -> str:
        age = "none" if self.age is None else f"{self.age:.0f}s"
        return f"name={escaped(self._name)} members={len(self._members.origins)} age={age}"

    # Replacing the set

    def _take_loaded(self, loaded: object) -> None:
        is_first = self._loaded_at is None
        is_changed = self._take(loaded)
        self._loaded_at = time.monotonic()
        if self._keep is None or not (is_changed or is_first):
            return
        try:
            write_kept(self._keep, self._members.origins)
        except OSError as error:
            self._loading.tell("keep", error)
        else:
            self._loading.forget("keep")

    def _take(self, loaded: object) -> bool:
        """Make it the current set; returns whether its members changed. In a thread, as it takes long."""
        known, problems = self._members.origins, {*map(str, self.problems)}
        members = read_members(loaded, known)
        with self._lock:
            self._members = members
            for rules, view in self._views.items():
                view.admitted = admitted(members.origins, rules)
        new = [escaped(text) for text in map(str, self.problems) if text not in problems]
        if new:
            shown = "; ".join(new[:_MAX_LOGGED])
            LOGGER.warning("live origins left out: %s %d in .problems: %s", self._state(), len(new), shown)
        added, removed = members.origins.keys() - known.keys(), known.keys() - members.origins.keys()
        if added or removed:
            changes = [f"+{text}" for text in sorted(added)] + [f"-{text}" for text in sorted(removed)]
            LOGGER.info("%s: %s %s", LIVE_CHANGED, self._state(), " ".join(bounded_names(changes)))
        return bool(added or removed)

    # Running

    async def start(self) -> None:
        """Load for the first time, unless there is something to start from. Enter `running` after it.

        Raises `RuntimeError` if that fails, and is required.
        """
        self._has_been_run = True
        self._loading.expect()
        # The file is not newer than what was loaded since.
        is_kept = self._loaded_at is None and await self._starts_from_kept()
        if is_kept or (self._has_first and not self._required):
            return
        failure = await self._loading.load()
        if failure is not None and self._required:
            reason = f"{type(failure).__name__}: {failure}"
            raise RuntimeError(f"required live origins cannot be loaded: {self._name}: {reason}") from failure

    def running(self) -> AbstractAsyncContextManager[None]:
        """Load in the background, after `start`."""
        return self._loading.running()

    async def _starts_from_kept(self) -> bool:
        if self._keep is None:
            return False
        keep, found = self._keep, list[object]()

        def read() -> None:
            # A first start, without a file, is not a failure.
            with suppress(FileNotFoundError):
                found.append(read_kept(keep))
                self._take(found[0])

        failure = await self._loading.attempt("keep", lambda: self._loading.in_thread(read))
        return failure is None and bool(found)

    async def __aenter__(self) -> Self:
        await self.start()
        running = self.running()
        await running.__aenter__()
        self._entered.append((anyio.get_current_task().id, running))
        return self

    async def __aexit__(self, *_: object) -> None:
        task = anyio.get_current_task().id
        # The last one that was entered in this task.
        entered = next(each for each in reversed(self._entered) if each[0] == task)
        self._entered.remove(entered)
        await entered[1].__aexit__(None, None, None)

    def __repr__(self) -> str:
        return f"LiveOrigins({self._name})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be pickled or copied: it is loaded where it was made; make one in each process"
        )


def _problems(load: Any, every: Any, wake: object, keep: object, required: object) -> list[Problem]:
    is_function = callable(load) and not isinstance(load, type)
    checks = (
        ("load", load, is_function, "not a function that returns the origins"),
        ("load", load, not is_function or takes(load), _TAKES_ARGUMENTS),
        ("every", every, type(every) in {int, float} and 0 < every < math.inf, _NO_SECONDS),
        ("wake", wake, wake is None or callable(wake) or isinstance(wake, AsyncIterable), _NO_WAKE),
        ("keep", keep, keep is None or isinstance(keep, str | os.PathLike), "not the path of a file"),
        ("required", required, isinstance(required, bool), "not True or False"),
    )
    return [Problem(name, value, reason) for name, value, is_sound, reason in checks if not is_sound]


def _first_members(first: object, problems: list[Problem]) -> Members:
    try:
        members = read_members(first, {})
    except (TypeError, ValueError) as error:
        problems.append(Problem("first", first, str(error).replace("return", "write")))
        return Members({}, ())
    problems += [replace(problem, field="first") for problem in members.problems]
    return members
