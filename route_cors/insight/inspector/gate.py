"""Who may look at the inspector: `allow`, made a FastAPI dependency that lets in or refuses."""

# No annotations from the future here: FastAPI reads those of the functions that are made below.
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, HTTPException, Request
from fastapi.params import Depends as DependsMarker
from fastapi.security.base import SecurityBase
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

__all__ = ["Allow", "gate"]

Allow: TypeAlias = Callable[..., object] | DependsMarker
"""Who may look: a predicate, a dependency, or one in `Depends(...)` or `Security(...)`."""

_logger = logging.getLogger("route_cors")

_Gate = Callable[..., Awaitable[None]]

_REFUSED: Final = "you may not look at this page"


def gate(allow: Allow | None, app: Starlette) -> _Gate:
    """A dependency that refuses with 403 whoever may not look.

    Args:
        allow: as `inspector` takes it.
        app: the one that is shown. Without `allow`, its `debug` lets everybody in, as long as it is on.

    Raises:
        ValueError: there is no `allow`, and `debug` is off.
        TypeError: `allow` cannot say who may look.
    """
    if allow is None:
        return _while_debugging(app)
    if isinstance(allow, DependsMarker):
        # `Security(get_user, scopes=[...])` has scopes beside the function.
        return _asking(allow, _checked(allow.dependency))
    decider = _checked(allow)
    if _takes_the_request(decider):
        return _asking(Depends(_with_request(decider)), decider, is_predicate=True)
    return _asking(Depends(decider), decider)


def _while_debugging(app: Starlette) -> _Gate:
    if not app.debug:
        raise ValueError(
            "the inspector shows everybody who may call what: say who may look, with a dependency or a "
            "function that takes the request: inspector(app, allow=require_admin); without one it works "
            "while app.debug is on: FastAPI(debug=True)"
        )

    async def allow_while_debugging() -> None:
        if not app.debug:
            raise HTTPException(403, _REFUSED)

    return allow_while_debugging


def _checked(allow: object) -> Callable[..., object]:
    if isinstance(allow, SecurityBase):
        raise TypeError(
            f"{type(allow).__name__} reads credentials and does not check them, so that it lets in everybody "
            "who sends some: give a dependency that checks them"
        )
    if not callable(allow):
        raise TypeError(
            f"allow is a dependency or a function that takes the request, not {allow!r}: "
            "write allow=require_admin"
        )
    return allow


def _takes_the_request(allow: Callable[..., object]) -> bool:
    """Whether it is a plain predicate, like `lambda request: …`.

    FastAPI would take that for a query parameter. With the annotation `Request` it hands the request over.
    """
    parameters = inspect.signature(allow).parameters.values()
    unknown = [each.name for each in parameters if _has_neither_type_nor_default(each)]
    if unknown and len(parameters) > 1 and unknown[0] == "request":
        raise TypeError(
            f"allow={allow!r} takes a request without a type among other parameters: write request: Request"
        )
    return len(unknown) == len(parameters) == 1


def _has_neither_type_nor_default(parameter: inspect.Parameter) -> bool:
    is_named = parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    return is_named and parameter.annotation is parameter.empty and parameter.default is parameter.empty


def _with_request(predicate: Callable[..., object]) -> Callable[[Request], Awaitable[object]]:
    """The predicate as a dependency. As with a policy's callables, one that fails says no."""

    async def ask(request: Request) -> object:
        try:
            answer = await run_in_threadpool(predicate, request)
            return await answer if inspect.isawaitable(answer) else answer
        except HTTPException:
            raise
        except Exception:
            _logger.exception("Nobody may look at the inspector: allow=%r failed", predicate)
            return False

    return ask


def _asking(depends: Any, decider: Callable[..., object], *, is_predicate: bool = False) -> _Gate:
    promised = inspect.signature(decider).return_annotation
    says_yes_or_no = is_predicate or promised in {bool, "bool"}
    may_say_nothing = promised is None or promised == "None"

    def lets_in(answer: object) -> bool:
        if says_yes_or_no:
            return answer is True
        return may_say_nothing if answer is None else bool(answer)

    async def allow_by_answer(answer: Annotated[Any, depends]) -> None:
        # A lambda that calls an async function gives what is still to be awaited: an object, and so true.
        if inspect.isawaitable(answer):
            answer = await answer
        if lets_in(answer):
            return
        if answer is not False:
            # By its type: the answer itself may be somebody's data.
            _logger.warning(
                "The inspector refuses: allow=%r gave %s; it has to give True or a user, or be annotated "
                "-> None and raise to refuse",
                decider,
                type(answer).__name__,
            )
        raise HTTPException(403, _REFUSED)

    return allow_by_answer
