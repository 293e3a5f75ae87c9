"""What a subject answers, looked at before it is timed: only right answers are worth comparing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from timing import receive

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Scope

__all__ = ["WrongAnswerError", "answer", "require_answer"]

_ALLOW_ORIGIN = b"access-control-allow-origin"


class WrongAnswerError(Exception):
    """A subject does not what it is timed for."""


def answer(app: Callable[..., Any], scope: Scope) -> Message:
    """The start of the response to one request."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    try:
        app(scope, receive, keep).send(None)
    except StopIteration:
        return messages[0]
    raise RuntimeError(f"{app!r} waits for something")


def require_answer(
    app: Callable[..., Any], scope: Scope, *, origin: bytes | None, statuses: tuple[int, ...] = (200, 204)
) -> None:
    """Raise WrongAnswerError unless the answer allows that origin (None: none), with one of the statuses."""
    start = answer(app, scope)
    headers = {bytes(name).lower(): bytes(value) for name, value in start["headers"]}
    if start["status"] not in statuses or headers.get(_ALLOW_ORIGIN) != origin:
        raise WrongAnswerError(f"{app!r} answers {start['status']} with {headers}")
