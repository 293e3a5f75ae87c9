"""The examples of live origins against real back ends, which are started here on free ports."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from interpreters import environment
from live_server import HOST, Server
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


EXAMPLES = Path(__file__).parents[1] / "examples"
A, B, OWN = "https://a.example", "https://b.example", "https://app.example.com"
# Seconds: far beyond what a start takes; and what the examples promise.
PATIENCE = 60
PROMPTLY = 2.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are those of a Unix system")


def needs(*programs: str, module: str) -> None:
    """Skip without the servers, but never in CI, which installs them."""
    missing = [program for program in programs if shutil.which(program) is None]
    try:
        __import__(module)
    except ImportError:
        missing.append(module)
    if missing and os.environ.get("ROUTE_CORS_REQUIRE_SERVERS"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def with_packages() -> dict[str, str]:
    """The environment of a new interpreter that finds what this one finds."""
    paths = [environment()["PYTHONPATH"], os.environ.get("PYTHONPATH", "")]
    return environment() | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def running(
    program: Sequence[object], port: int, *, user: str | None = None, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [str(part) for part in program],
        env=with_packages() | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        user=user,
    )
    try:
        wait_for(lambda: process.poll() is not None or accepts(port))
        assert process.poll() is None, f"{program[0]} ended with {process.returncode}"
        yield process
    finally:
        # The workers too.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def allows(url: str, origin: str) -> bool:
    answer = httpx.get(url, headers={"Origin": origin}, trust_env=False, timeout=PATIENCE)
    assert answer.status_code == 200
    return bool(answer.headers.get("access-control-allow-origin") == origin)


# --- Redis, and four workers


@contextmanager
def redis_server(port: int, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = [
        "--port",
        str(port),
        "--bind",
        HOST,
        "--dir",
        str(directory),
        "--save",
        "",
        "--appendonly",
        "yes",
    ]
    with running(["redis-server", *options, "--appendfsync", "always"], port) as server:
        yield server


async def answers(url: str, origin: str, connections: int = 24) -> list[tuple[int, bool]]:
    """Which workers answered, and whether they allow the origin; each request has its own connection."""
    parts = httpx.URL(url)
    sent = f"GET {parts.path} HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"

    async def ask() -> tuple[int, bool]:
        reader, writer = await asyncio.open_connection(parts.host, parts.port)
        writer.write(sent.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 200 OK")
        return json.loads(body)["pid"], b"access-control-allow-origin: " + origin.encode() in head

    return await asyncio.gather(*(ask() for _ in range(connections)))


def seconds_until_all(url: str, workers: set[int], origin: str, *, allowed: bool) -> float:
    """After how many seconds the last worker gave the old answer, once all of them give the new one."""
    begun = time.monotonic()
    last, right = 0.0, set[int]()
    while right != workers:
        assert time.monotonic() - begun < PATIENCE, f"{origin}: {right} of {workers}"
        asked = time.monotonic() - begun
        for pid, said in asyncio.run(answers(url, origin)):
            if said is allowed:
                right.add(pid)
            else:
                last = asked
                right.discard(pid)
    return last


@contextmanager
def under_load(url: str) -> Iterator[None]:
    """Requests of the app's own front end, one after the other: each is answered, and allowed."""
    stop = threading.Event()

    def ask() -> set[bool]:
        said = set[bool]()
        while not stop.is_set():
            said |= {is_allowed for _, is_allowed in asyncio.run(answers(url, OWN, connections=4))}
        return said

    with ThreadPoolExecutor() as pool:
        said = pool.submit(ask)
        try:
            yield
        finally:
            stop.set()
        assert said.result() == {True}


class TestRedis:
    @pytest.fixture
    def redis_client(self) -> Callable[[int], Any]:
        needs("redis-server", module="redis")
        import redis

        return lambda port: redis.Redis(HOST, port, decode_responses=True)

    def test_four_workers_follow_a_set(self, redis_client: Callable[[int], Any], tmp_path: Path) -> None:
        port, web = free_port(), free_port()
        url = f"http://{HOST}:{web}/worker"
        variables = {
            "REDIS_URL": f"redis://{HOST}:{port}",
            "PORT": str(web),
            "KEPT_ORIGINS": str(tmp_path / "kept.json"),
        }
        server = redis_server(port, tmp_path)
        first = server.__enter__()
        try:
            client = redis_client(port)
            with running([sys.executable, EXAMPLES / "live_redis.py"], web, **variables):
                workers: set[int] = set()

                def are_all_there() -> bool:
                    workers.update(pid for pid, _ in asyncio.run(answers(url, OWN)))
                    return len(workers) == 4

                wait_for(are_all_there)
                with under_load(url):
                    seconds_until_all(url, workers, A, allowed=False)
                    client.sadd("cors:origins", A)
                    client.publish("cors:changed", "")
                    assert seconds_until_all(url, workers, A, allowed=True) < PROMPTLY
                    client.srem("cors:origins", A)
                    client.sadd("cors:origins", B)
                    client.publish("cors:changed", "")
                    assert seconds_until_all(url, workers, A, allowed=False) < PROMPTLY
                    assert seconds_until_all(url, workers, B, allowed=True) < PROMPTLY
                    # The server is killed: nothing changes for requests.
                    first.kill()
                    first.wait()
                    for _ in range(5):
                        assert {said for _, said in asyncio.run(answers(url, B))} == {True}
                        assert {said for _, said in asyncio.run(answers(url, A))} == {False}
                    # Back again, with a change in the meantime that nobody was told of.
                    with redis_server(port, tmp_path):
                        client = redis_client(port)
                        assert client.smembers("cors:origins") == {B}
                        client.sadd("cors:origins", A)
                        client.srem("cors:origins", B)
                        seconds_until_all(url, workers, A, allowed=True)
                        seconds_until_all(url, workers, B, allowed=False)
                        client.sadd("cors:origins", B)
                        client.publish("cors:changed", "")
                        seconds_until_all(url, workers, B, allowed=True)
        finally:
            server.__exit__(None, None, None)

    def test_previews_are_registered_with_a_lifetime(
        self, redis_client: Callable[[int], Any], tmp_path: Path
    ) -> None:
        at, port = free_port(), free_port()
        variables = {"REDIS_URL": f"redis://{HOST}:{at}", "PORT": str(port), "EVERY": "0.05"}
        program = [sys.executable, str(EXAMPLES / "live_previews.py")]
        url = f"http://{HOST}:{port}/"

        def call(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*program, *arguments],
                env=with_packages() | variables,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )

        with redis_server(at, tmp_path), running(program, port, **variables):
            assert not allows(url, A)
            assert call("register", A, "24").returncode == 0
            assert call("register", B, "-1").returncode == 0
            wait_for(lambda: allows(url, A))
            assert not allows(url, B)
            assert redis_client(at).zcard("cors:previews") == 1
            assert call("remove", A).returncode == 0
            wait_for(lambda: not allows(url, A))
            for wrong in ("https://*.vercel.app", "https://shop-*.vercel.app", "https://a.example/"):
                refused = call("register", wrong, "24")
                assert refused.returncode == 1
                assert wrong in refused.stderr
            assert redis_client(at).zcard("cors:previews") == 0


# --- The other back ends


def test_a_file_is_followed(tmp_path: Path) -> None:
    needs(module="watchfiles")
    file, port = tmp_path / "origins.txt", free_port()
    file.write_text(f"# our partners\n{A}\n")
    with running([sys.executable, EXAMPLES / "live_file.py", file], port, PORT=str(port)):
        url = f"http://{HOST}:{port}/"
        assert allows(url, A)
        assert not allows(url, B)
        # As editors do it.
        (tmp_path / "new").write_text(f"{B}  # another one\n\n")
        (tmp_path / "new").replace(file)
        wait_for(lambda: allows(url, B) and not allows(url, A))
        with file.open("a") as appended:
            appended.write(A)
        wait_for(lambda: allows(url, A) and allows(url, B))
        # Without the file, the last good set stays.
        file.unlink()
        assert allows(url, A)


def test_a_list_at_a_url_is_asked_for_with_its_etag() -> None:
    members, statuses = [A], list[int]()

    async def service(scope: Any, receive: Any, send: Any) -> None:
        etag = f'"{len(members)}-{hash(tuple(members))}"'
        sent = dict(scope["headers"]).get(b"if-none-match", b"").decode()
        answer = Response(status_code=304) if sent == etag else JSONResponse(members, headers={"ETag": etag})
        if members == ["broken"]:
            answer = Response("<html>", status_code=502)
        statuses.append(answer.status_code)
        await answer(scope, receive, send)

    port = free_port()
    with Server(service) as server:
        program = [sys.executable, EXAMPLES / "live_http.py", f"{server.url}/origins.json"]
        with running(program, port, PORT=str(port), EVERY="0.05"):
            url = f"http://{HOST}:{port}/"
            wait_for(lambda: allows(url, A))
            wait_for(lambda: statuses.count(304) > 1)
            assert statuses.count(200) == 1
            members[:] = [B]
            wait_for(lambda: allows(url, B) and not allows(url, A))
            members[:] = ["broken"]
            wait_for(lambda: 502 in statuses)
            assert allows(url, B)
            members[:] = [A, B]
            wait_for(lambda: allows(url, A))


def _postgres(program: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return shutil.which(program) or (str(found[-1]) if found else None)


@pytest.fixture
def database() -> Iterator[tuple[int, Callable[[], Any]]]:
    """The port of a server, and what starts it; it refuses to be root."""
    programs = {name: _postgres(name) for name in ("initdb", "postgres")}
    needs(*(name for name, path in programs.items() if path is None), module="asyncpg")
    user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        if user:
            shutil.chown(folder, "postgres")
        subprocess.run(
            [str(programs["initdb"]), "-D", str(data), "-A", "trust", "-U", "cors", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
            **user,
        )
        port = free_port()
        options = ["-D", data, "-p", str(port), "-c", f"listen_addresses={HOST}", "-k", folder, "-F"]
        yield port, lambda: running([str(programs["postgres"]), *options], port, user=user.get("user"))


def test_a_table_is_followed(database: tuple[int, Callable[[], Any]]) -> None:
    import asyncpg

    at, serve = database
    port = free_port()
    dsn = f"postgresql://cors@{HOST}:{at}/postgres"

    async def execute(statement: str, *values: str) -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(statement, *values)
        await connection.close()

    def is_up() -> bool:
        try:
            asyncio.run(execute("SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    program = [sys.executable, EXAMPLES / "live_postgres.py"]
    url = f"http://{HOST}:{port}/"
    with serve() as first:
        wait_for(is_up)
        with running(program, port, PORT=str(port), DATABASE_URL=dsn):
            assert not allows(url, A)
            asyncio.run(execute("INSERT INTO cors_origins VALUES ($1)", A))
            wait_for(lambda: allows(url, A), 10)
            asyncio.run(execute("UPDATE cors_origins SET origin = $1", B))
            wait_for(lambda: allows(url, B) and not allows(url, A), 10)
            os.killpg(first.pid, signal.SIGINT)
            first.wait(PATIENCE)
            assert allows(url, B)
            with serve():
                wait_for(is_up)
                asyncio.run(execute("DELETE FROM cors_origins"))
                wait_for(lambda: not allows(url, B))
