"""The page that does the work: it asks its own server for what to do, does it, and posts what it saw."""

from __future__ import annotations

import json
import queue
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from browser.engines import LANGUAGE, EngineError

from .cases import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from browser.engines import Engine

    from .servers import Servers

HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)
JSON: Final = (("Content-Type", "application/json"),)
BLANK: Final = "<!doctype html><title>front end</title><link rel=icon href='data:,'>"


@dataclass(frozen=True)
class Work:
    """What an engine is to do: the documents, what their script asks for, and the time it has.

    The documents are those below a path, by their names. The engine opens `top`, and one of them posts to
    `seen`.
    """

    name: str
    documents: Callable[[str], Mapping[str, Answer]]
    told: Any
    seconds: float


def done_by(engine: Engine, servers: Servers, work: Work) -> Any:
    """What the page posted.

    Raises:
        EngineError: the engine hung, crashed, or is not what the tests are made for.
    """
    # Whatever an engine before this one still posts is not taken for this one's.
    prefix = f"/harness-{secrets.token_hex(8)}"
    seen: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def take(body: str) -> Answer:
        seen.put(json.loads(body.encode("latin-1")))
        return Answer(headers=JSON, body="{}")

    pages = {f"{prefix}/{name}": _always(answer) for name, answer in work.documents(prefix).items()}
    pages[f"{prefix}/work"] = lambda _: Answer(headers=JSON, body=json.dumps(work.told))
    pages[f"{prefix}/seen"] = take
    with (
        servers.also_serving(pages),
        engine.open(f"{servers.origins['page']}{prefix}/top", servers.origins["page"], seen.put),
    ):
        try:
            posted = seen.get(timeout=work.seconds)
        except queue.Empty:
            posted = EngineError(f"nothing was posted within {work.seconds:.0f} s")
    if isinstance(posted, EngineError):
        raise EngineError(f"{engine.name}, {work.name}: {posted}")
    if "error" in posted:
        raise EngineError(f"{engine.name}, {work.name}: the page's script failed: {posted['error']}")
    if posted["language"] != LANGUAGE:
        raise EngineError(f"{engine.name}, {work.name}: came up in {posted['language']!r}, not {LANGUAGE!r}")
    return posted["seen"]


def _always(answer: Answer) -> Callable[[str], Answer]:
    return lambda _: answer
