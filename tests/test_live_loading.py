"""How LiveOrigins loads: by the clock, when woken, one at a time, from a file, and for several apps."""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from live_loads import PATIENCE, Wakes, lifespan_of, run_on, until

from route_cors import CORSPolicy, LiveOrigins, RouteCORSMiddleware, install_cors
from route_cors.live import kept
from route_cors.live.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

A, B, C = "https://a.example", "https://b.example", "https://c.example"
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
NEVER = 3600.0


class Gated:
    """A load that the test lets through, and that says how many there are at a time."""

    def __init__(self, *origins: str) -> None:
        self.origins: Any = list(origins)
        self.begun = self.done = self.at_once = self.most_at_once = 0
        self.gate = anyio.Event()
        self.gate.set()

    async def __call__(self) -> Any:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            if isinstance(self.origins, BaseException):
                raise self.origins
            return list(self.origins)
        finally:
            self.at_once -= 1
            self.done += 1


class TestByTheClock:
    @BACKENDS
    def test_it_is_loaded_again_and_again(self, backend: str) -> None:
        async def test() -> None:
            load = Gated(A)
            async with LiveOrigins(load, every=0.01) as live:
                assert live.origins == (A,)
                load.origins = [B]
                await until(lambda: live.origins == (B,))
                load.origins = []
                await until(lambda: live.origins == ())
            done = load.begun
            await anyio.lowlevel.checkpoint()
            assert load.begun == done

        run_on(backend, test)

    @BACKENDS
    def test_it_is_tried_again_after_failures(self, backend: str) -> None:
        async def test() -> None:
            load = Gated(A)
            async with LiveOrigins(load, every=0.01) as live:
                load.origins = OSError("down")
                failures = load.begun + 3
                await until(lambda: load.done >= failures)
                assert live.origins == (A,)
                load.origins = [B]
                await until(lambda: live.origins == (B,))

        run_on(backend, test)

    def test_retries_back_off_up_to_every(self) -> None:
        pauses = LiveOrigins(_nothing, every=60)._loading._pause
        bounds = [pauses(failures) for failures in (0, 1, 2, 3, 6, 7, 10_000)]
        for pause, middle in zip(bounds, [60, 1, 2, 4, 32, 60, 60], strict=True):
            assert middle * 0.9 <= pause <= middle * 1.1
        assert len({pauses(0) for _ in range(20)}) > 1

    @BACKENDS
    def test_a_load_that_hangs_fails_at_its_time_limit(
        self, backend: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def test() -> None:
            load = Gated(A)
            load.gate = anyio.Event()
            live = LiveOrigins(load, first=[B], every=0.01)
            async with live:
                await until(lambda: load.done > 0)
                assert live.origins == (B,)
                load.gate.set()
                await until(lambda: live.origins == (A,))

        run_on(backend, test)
        assert [each.getMessage().partition("error=")[2] for each in caplog.records] == ['"TimeoutError: "']

    @BACKENDS
    def test_of_plain_functions_that_hang_one_thread_is_left(
        self, backend: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        opened = threading.Event()
        threads: list[str] = []

        def load() -> list[str]:
            threads.append(threading.current_thread().name)
            opened.wait(PATIENCE)
            return [A]

        async def test() -> None:
            async with LiveOrigins(load, first=[B], every=0.01) as live:
                await until(lambda: "TimeoutError" in caplog.text)
                before = live._loading._failures
                await until(lambda: live._loading._failures > before + 2)
                assert len(threads) == 1
                assert live.origins == (B,)
                opened.set()
                await until(lambda: live.origins == (A,))

        run_on(backend, test)

    @BACKENDS
    def test_a_plain_function_runs_in_a_thread(self, backend: str) -> None:
        async def test() -> None:
            threads: list[int] = []

            def load() -> list[str]:
                threads.append(threading.get_ident())
                return [A]

            async with LiveOrigins(load, every=NEVER) as live:
                assert live.origins == (A,)
            assert threads != [threading.get_ident()]

        run_on(backend, test)

    def test_a_cancellation_of_something_else_is_a_failure(self) -> None:
        async def test() -> None:
            import asyncio

            task = asyncio.ensure_future(anyio.sleep(NEVER))
            await anyio.lowlevel.checkpoint()
            task.cancel()

            async def load() -> list[str]:
                if not task.done() or fails:
                    await task
                return [A]

            fails = True
            async with LiveOrigins(load, every=0.01) as live:
                assert live.origins == ()
                fails = False
                await until(lambda: live.origins == (A,))

        run_on("asyncio", test)


class TestWake:
    @BACKENDS
    def test_each_wake_up_leads_to_a_load(self, backend: str) -> None:
        async def test() -> None:
            load, wakes = Gated(A), Wakes()
            async with LiveOrigins(load, every=NEVER, wake=wakes) as live:
                load.origins = [B]
                wakes.wake()
                await until(lambda: live.origins == (B,))
                load.origins = [C]
                wakes.wake()
                await until(lambda: live.origins == (C,))
                assert load.begun == 3
            wakes.close()

        run_on(backend, test)

    @BACKENDS
    def test_many_during_one_load_lead_to_one_more(self, backend: str) -> None:
        async def test() -> None:
            load, wakes = Gated(A), Wakes()
            async with LiveOrigins(load, every=NEVER, wake=wakes) as live:
                load.gate = anyio.Event()
                wakes.wake()
                await until(lambda: load.begun == 2)
                wakes.wake(5_000)
                await until(lambda: wakes._receive.statistics().current_buffer_used == 0)
                load.origins = [B]
                load.gate.set()
                await until(lambda: live.origins == (B,))
                load.origins = [C]
                await until(lambda: live.origins == (C,))
                # The last load of those woken is over; another one would have to begin by itself.
                wakes.wake()
                await until(lambda: load.done == 4)
            assert load.begun == 4
            assert load.most_at_once == 1
            wakes.close()

        run_on(backend, test)

    @BACKENDS
    @pytest.mark.parametrize("failure", [None, OSError("gone"), SystemExit(1)])
    def test_an_iterator_that_ends_or_raises_is_called_again(
        self, backend: str, failure: BaseException | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "route_cors")

        async def test() -> None:
            load, wakes = Gated(A), Wakes()
            async with LiveOrigins(load, every=0.5, wake=wakes) as live:
                await until(lambda: wakes.started == 1)
                for _ in range(2):
                    wakes.end() if failure is None else wakes.fail(failure)
                await until(lambda: wakes.started == 3)
                load.origins = [B]
                wakes.wake()
                await until(lambda: live.origins == (B,))
            wakes.close()

        run_on(backend, test)
        said = [each.getMessage() for each in caplog.records if "what=wake" in each.getMessage()]
        error = "StopAsyncIteration: the iterator ended" if failure is None else None
        error = error or f"{type(failure).__name__}: {failure}"
        assert len(said) == 2
        assert said[0].startswith("RCE13 live origins failed: ")
        assert said[0].endswith(f'what=wake error="{error}"')
        assert said[1].startswith("live origins work again: ")

    @BACKENDS
    def test_the_iterator_itself_may_be_given(self, backend: str) -> None:
        async def test() -> None:
            load, wakes = Gated(A), Wakes()
            async with LiveOrigins(load, every=NEVER, wake=wakes()) as live:
                load.origins = [B]
                wakes.wake()
                await until(lambda: live.origins == (B,))
            wakes.close()

        run_on(backend, test)


async def _hold(live: LiveOrigins) -> None:
    async with live:
        await anyio.sleep(PATIENCE)


class TestHolders:
    @BACKENDS
    def test_several_never_load_at_the_same_time(self, backend: str) -> None:
        async def test() -> None:
            load = Gated(A)
            live = LiveOrigins(load, every=0.01)
            load.gate = anyio.Event()
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(_hold, live)
                await until(lambda: load.begun == 1)
                load.gate.set()
                await until(lambda: load.begun > 10)
                tasks.cancel_scope.cancel()
            assert load.most_at_once == 1

        run_on(backend, test)

    @BACKENDS
    def test_the_others_go_on_when_one_stops(self, backend: str) -> None:
        async def test() -> None:
            load, wakes = Gated(A), [Wakes(), Wakes()]
            sources = iter([each() for each in wakes])
            live = LiveOrigins(load, every=NEVER, wake=lambda: next(sources))
            async with AsyncExitStack() as staying:
                await staying.enter_async_context(live)
                async with live:
                    await until(lambda: load.begun == 2)
                begun = load.begun
                load.origins = [B]
                wakes[0].wake()
                await until(lambda: live.origins == (B,))
                assert load.begun == begun + 1
            for each in wakes:
                each.close()

        run_on(backend, test)

    @BACKENDS
    def test_who_comes_later_begins_with_a_load(self, backend: str) -> None:
        async def test() -> None:
            load = Gated(B)
            live = LiveOrigins(load, every=NEVER, first=[A])
            async with live:
                await until(lambda: live.origins == (B,))
            load.origins = [C]
            async with live:
                await until(lambda: live.origins == (C,))

        run_on(backend, test)

    @BACKENDS
    def test_who_comes_later_does_not_go_back_to_the_kept_file(self, backend: str, tmp_path: Path) -> None:
        file = tmp_path / "kept.json"

        async def test() -> None:
            load = Gated(B)
            live = LiveOrigins(load, every=NEVER, keep=file)
            async with live:
                write_kept(file, [A])
                load.origins = OSError("no route to host")
                async with live:
                    assert live.origins == (B,)

        run_on(backend, test)

    def test_two_layers_in_one_lifespan_run_it_once(self) -> None:
        load = Gated(A)
        live = LiveOrigins(load, every=NEVER)
        app = FastAPI()
        app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=live))
        install_cors(app, default=CORSPolicy(origins=live))

        async def test() -> None:
            for times in (1, 2):
                async with lifespan_of(app):
                    assert (live.origins, load.begun) == ((A,), times)

        run_on("asyncio", test)

    def test_one_in_another_thread_goes_on_too(self) -> None:
        origins = [A]
        live = LiveOrigins(lambda: origins, every=0.01)
        entered, leave = threading.Event(), threading.Event()

        async def hold() -> None:
            async with live:
                entered.set()
                await until(leave.is_set)

        async def first() -> None:
            async with live:
                other.start()
                await until(entered.is_set)

        other = threading.Thread(target=run_on, args=("asyncio", hold))
        run_on("asyncio", first)
        origins.append(B)

        async def see() -> None:
            await until(lambda: live.origins == (A, B))
            leave.set()

        run_on("trio", see)
        other.join()

    @BACKENDS
    def test_an_exception_inside_is_its_own(self, backend: str) -> None:
        live = LiveOrigins(_nothing, every=NEVER)

        async def test() -> None:
            with pytest.raises(KeyError, match="mine"):
                async with live:
                    raise KeyError("mine")
            assert live._entered == []
            with anyio.move_on_after(0.01) as scope:
                async with live:
                    await anyio.sleep(PATIENCE)
            assert scope.cancelled_caught
            assert live._entered == []

        run_on(backend, test)

    @BACKENDS
    def test_a_start_that_is_cancelled_leaves_nothing(self, backend: str) -> None:
        async def test() -> None:
            load = Gated(A)
            load.gate = anyio.Event()
            live = LiveOrigins(load, every=NEVER)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(live.__aenter__)
                await until(lambda: load.begun == 1)
                tasks.cancel_scope.cancel()
            load.gate.set()
            async with live:
                assert live.origins == (A,)

        run_on(backend, test)


class TestKeep:
    @BACKENDS
    def test_the_last_good_set_is_kept_and_started_from(self, backend: str, tmp_path: Path) -> None:
        file = tmp_path / "origins.json"

        async def test() -> None:
            async with LiveOrigins(Gated(B, A), keep=file, every=NEVER):
                pass
            assert read_kept(file) == [A, B]
            load = Gated(C)
            load.gate = anyio.Event()
            async with LiveOrigins(load, keep=file, every=NEVER, required=True) as live:
                seen = live.origins, live.age
                load.gate.set()
                await until(lambda: live.age is not None)
                assert (seen, live.origins) == (((A, B), None), (C,))
                await until(lambda: read_kept(file) == [C])

        run_on(backend, test)
        assert [*tmp_path.iterdir()] == [file]

    def test_it_is_written_when_something_changed(self, tmp_path: Path) -> None:
        file = tmp_path / "origins.json"

        async def test() -> None:
            load, wakes = Gated(A), Wakes()
            async with LiveOrigins(load, keep=file, every=NEVER, wake=wakes) as live:
                file.unlink()
                wakes.wake()
                await until(lambda: load.done == 2)
                load.origins = [B]
                wakes.wake()
                await until(lambda: live.origins == (B,) and file.exists())
                assert load.done == 3
            wakes.close()

        run_on("asyncio", test)
        assert read_kept(file) == [B]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"format": "route_cors live origins 1", "origins": ["https://evil.example"]}',
            b'{"format": "another", "sha256": "", "origins": []}',
            b'{"format": "route_cors live origins 1", "sha256": "0", "origins": ["https://evil.example"]}',
        ],
    )
    def test_a_file_that_was_not_written_here_is_refused(
        self, content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / "origins.json"
        file.write_bytes(content)

        async def test() -> None:
            async with LiveOrigins(Gated(A), keep=file, every=NEVER) as live:
                assert live.origins == (A,)

        run_on("asyncio", test)
        (warning,) = [each.getMessage() for each in caplog.records]
        assert "what=keep" in warning
        assert "LiveOrigins" in warning
        assert "delete it" in warning
        assert read_kept(file) == [A]

    def test_a_file_that_is_too_large_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "origins.json"
        write_kept(file, [A])
        monkeypatch.setattr(kept, "_MAX_BYTES", 10)
        with pytest.raises(ValueError, match="the kept file has more than 10 bytes: delete it"):
            read_kept(file)

    def test_required_counts_a_kept_file(self, tmp_path: Path) -> None:
        file = tmp_path / "origins.json"
        write_kept(file, [A])

        async def test() -> None:
            load = Gated()
            load.origins = OSError("down")
            async with LiveOrigins(load, keep=file, every=NEVER, required=True, first=[B]) as live:
                assert live.origins == (A,)
            file.unlink()
            with pytest.raises(RuntimeError, match=r"cannot be loaded: .*OSError: down"):
                await LiveOrigins(load, keep=file, required=True, first=[B]).start()

        run_on("asyncio", test)

    def test_a_file_that_cannot_be_written_is_logged_once(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "route_cors")
        folder = tmp_path / "later"

        async def test() -> None:
            load = Gated(A)
            async with LiveOrigins(load, keep=folder / "origins.json", every=0.01) as live:
                load.origins = [B]
                await until(lambda: live.origins == (B,))
                folder.mkdir()
                load.origins = [C]
                await until(lambda: "work again" in caplog.text)
                assert read_kept(folder / "origins.json") == [C]

        run_on("asyncio", test)
        said = [each.getMessage() for each in caplog.records if "what=keep" in each.getMessage()]
        assert [text.partition(":")[0] for text in said] == [
            "RCE13 live origins failed",
            "live origins work again",
        ]

    def test_a_write_that_fails_leaves_the_old_file_and_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "origins.json"
        write_kept(file, [A])

        def full(_: int) -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            write_kept(file, [B])
        assert read_kept(file) == [A]
        assert [*tmp_path.iterdir()] == [file]

    @settings(max_examples=int(os.environ.get("ROUTE_CORS_EXAMPLES", "60")), deadline=None)
    @given(data=st.data(), members=st.lists(st.sampled_from([A, B, C]), min_size=1, unique=True))
    def test_no_damage_gets_through(
        self, data: st.DataObject, members: list[str], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        file = tmp_path_factory.mktemp("kept") / "origins.json"
        write_kept(file, members)
        whole = file.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = data.draw(
            st.sampled_from(
                [
                    whole[:at],
                    whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
                    whole[:at] + b'"https://evil.example",' + whole[at:],
                ]
            )
        )
        file.write_bytes(damaged)
        assert _read(file) in (None, sorted(members))


def _read(file: Path) -> Iterable[Any] | None:
    try:
        return read_kept(file)
    except ValueError:
        return None


def _nothing() -> list[str]:
    return []


def test_the_file_is_json(tmp_path: Path) -> None:
    file = tmp_path / "origins.json"
    write_kept(file, {B: 0, A: 0})
    content = json.loads(file.read_text())
    assert content["origins"] == [A, B]
    assert content.keys() == {"format", "sha256", "origins"}
