"""What a browser did, for a test: each exchange with the server, and what was blocked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from route_cors.testing.printing import lines_of_request, lines_of_response, printable

if TYPE_CHECKING:
    from route_cors.testing.messages import ReceivedResponse, SentRequest

Step: TypeAlias = Literal["preflight", "actual", "redirect", "mode", "websocket"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and the response to it.

    Args:
        step: `preflight`, `actual` or `websocket`.
        request: as it was sent; for a preflight that the cache answered, as it would have been sent.
        response: None if the cache answered.
        from_cache: whether the preflight cache made this request unnecessary.
    """

    step: Step
    request: SentRequest
    response: ReceivedResponse | None
    from_cache: bool = False

    def __str__(self) -> str:
        """One line: `preflight OPTIONS https://api.example.com/notes -> 204`."""
        answer = "answered by the preflight cache" if self.response is None else self.response.status_code
        return f"{self.step} {self.request.method} {printable(self.request.url)} -> {answer}"


class History(Sequence[Exchange]):
    """The exchanges of a browser, oldest first.

    Example:
        for _ in range(10):
            browser.fetch("/account/7", method="DELETE")
        assert len(browser.history.preflights) == 1
    """

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> list[Exchange]: ...
    def __getitem__(self, index: int | slice) -> Exchange | list[Exchange]:
        return self._exchanges[index]

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __str__(self) -> str:
        return "\n".join(map(str, self._exchanges))

    @property
    def sent(self) -> list[Exchange]:
        """The exchanges with the server, without those that the cache answered."""
        return [exchange for exchange in self._exchanges if not exchange.from_cache]

    @property
    def preflights(self) -> list[Exchange]:
        """The preflights that were sent, without those that the cache answered."""
        return [exchange for exchange in self.sent if exchange.step == "preflight"]

    def add(self, exchange: Exchange) -> None:
        """Add an exchange."""
        self._exchanges.append(exchange)

    def clear(self) -> None:
        """Remove all exchanges; cookies and the preflight cache are kept."""
        self._exchanges.clear()


class CORSBlocked(Exception):  # noqa: N818 - as the browser's console says
    """A call that a browser blocks: the page may not send it, or may not read the response.

    Printed, it says first what the cause is and what to write in the server's policy; then what Chrome's
    console says; then what was sent and received. Cookies, credentials and bodies are shortened to names and
    lengths, unless `Browser(..., show_secrets=True)` shows them.

    Attributes:
        step: where it was blocked: at the `preflight`, at the response to the `actual` request, at a
            `redirect`, by its own `mode`, or at the handshake of a `websocket`.
        cause: the cause (what the server said, or its headers lack), and the fix in the words of a policy.
        reason: what Chrome's console says.
        request: the request of that step; None if nothing was sent.
        response: the response that was refused; None if there is none.
        fix: what would have allowed it, as headers.

    A script sees none of this: it gets a TypeError that says "Failed to fetch".
    """

    def __init__(
        self,
        step: Step,
        reason: str,
        *,
        fix: str,
        cause: str | None = None,
        request: SentRequest | None = None,
        response: ReceivedResponse | None = None,
        show_secrets: bool = False,
    ) -> None:
        super().__init__(step, reason)
        self.step: Step = step
        self.cause = f"blocked at the {step}: {', '.join(fix.splitlines())}" if cause is None else cause
        self.reason = reason
        self.fix = fix
        self.request = request
        self.response = response
        self._show_secrets = show_secrets

    def __reduce__(self) -> tuple[Any, ...]:
        # Without this, keyword arguments are lost, and worker processes could not pass it on.
        named = {
            "fix": self.fix,
            "cause": self.cause,
            "request": self.request,
            "response": self.response,
            "show_secrets": self._show_secrets,
        }
        return _rebuild, (self.step, self.reason, named)

    def __str__(self) -> str:
        parts = [printable(self.cause), printable(self.reason)]
        if self.request is not None:
            parts.append(_section("sent", lines_of_request(self.request, show_secrets=self._show_secrets)))
        if self.response is not None:
            received = lines_of_response(self.response, show_secrets=self._show_secrets)
            parts.append(_section("received", received))
            if self.response.error is not None:
                parts.append(_section("the app raised", [repr(self.response.error)]))
        parts.append(_section("what would have allowed it", self.fix.split("\n")))
        return "\n".join(parts)


# Where users import it from, and its name in tracebacks.
CORSBlocked.__module__ = "route_cors.testing"


def _rebuild(step: Step, reason: str, named: dict[str, Any]) -> CORSBlocked:
    return CORSBlocked(step, reason, **named)


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"    {printable(line)}" for line in lines)])
