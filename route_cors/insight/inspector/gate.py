"""Who may look at the inspector: turns `allow` into a FastAPI dependency that lets in or refuses.

Every answer that is not certainly a yes is refused. A predicate, or a dependency annotated `-> bool`, says
yes only with True. Any other dependency says yes with True or with a user, which is any true value, except
for these:

- a response or an exception, which should have been raised: returning one does not refuse the request;
- a class, a function, or another callable: the check was never made;
- a generator, a context manager, or an awaitable that was awaited once: the check never ran;
- the request, or the credentials in it: the client sent them, and nothing has checked them;
- None, except if the function is annotated `-> None`, which means that it refuses by raising;
- a value whose truth cannot be tested.

If `allow` raises, the request is refused: an HTTPException is answered as it says, an exception that the
shown app has a handler for by that handler, and anything else with 403 instead of 500. A refusal other than
by False, or by an exception with an answer, is logged under an event id of its own.
"""

# No annotations from the future here: FastAPI reads those of the functions that are made below.
import contextlib
import functools
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, HTTPException, Request
from fastapi.params import Depends as DependsMarker
from fastapi.routing import APIRoute
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasicCredentials,
    OAuth2PasswordRequestForm,
    SecurityScopes,
)
from fastapi.security.base import SecurityBase
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, ImmutableMultiDict
from starlette.requests import HTTPConnection
from starlette.responses import Response

from route_cors.decisions import bounded, escaped

Allow: TypeAlias = Callable[..., object] | DependsMarker
"""Who may look: a predicate, a dependency, or one in `Depends(...)` or `Security(...)`."""

# No decisions about CORS: these are only logged, as RCE08 and RCE09 are.
ALLOW_GAVE_NO_ANSWER: Final = "RCE20 inspector refused"
ALLOW_FAILED: Final = "RCE21 inspector's allow failed"

_logger = logging.getLogger("route_cors")

_REFUSED: Final = "you may not look at this page"
# Scope key: `allow` has let this request in.
_LET_IN: Final = "route_cors_inspector"

_USER_OR_RAISE: Final = "it has to return True or a user, or be annotated -> None and raise to refuse"
# Values that are true and certainly not a user, with what to do about it. The first that fits counts.
_NO_USERS: Final[tuple[tuple[tuple[type, ...], str], ...]] = (
    ((Response,), "returning a response does not refuse the request: raise HTTPException instead"),
    ((BaseException,), "returning an exception does not refuse the request: raise it"),
    (
        (HTTPBasicCredentials, HTTPAuthorizationCredentials, OAuth2PasswordRequestForm),
        "that is what the client sent: check it, and return the user that it belongs to",
    ),
    (
        (HTTPConnection, Headers, ImmutableMultiDict, SecurityScopes),
        "that is the request that it has to decide about, or a part of it",
    ),
    ((HTTPStatus,), "returning a status does not refuse the request: raise HTTPException"),
    (
        (DependsMarker,),
        "FastAPI resolves a Depends only as a parameter's default or in its annotation",
    ),
    (
        (contextlib.AbstractContextManager, contextlib.AbstractAsyncContextManager),
        "it was never entered: write a dependency that yields, without @contextmanager",
    ),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """`ask` is a dependency that lets in, or refuses with 403; `allow` is what it asks, for the log."""

    ask: Callable[..., Awaitable[None]]
    allow: object

    def route_class(self, handlers: Mapping[Any, Any]) -> type[APIRoute]:
        """Routes that refuse if the dependency raises; exceptions in `handlers` are answered by these.

        A route class, as a dependency does not see what another one raises. The endpoint may raise.
        """
        allow = self.allow

        class Guarded(APIRoute):
            """One of the inspector's."""

            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                serve = super().get_route_handler()

                async def serve_or_refuse(request: Request) -> Response:
                    try:
                        return await serve(request)
                    except Exception as error:
                        if _LET_IN in request.scope or _has_handler(error, handlers):
                            raise
                        _log_failure(allow, error)
                    raise HTTPException(403, _REFUSED)

                return serve_or_refuse

        return Guarded


def gate(allow: Allow | None, app: Starlette) -> Gate:
    """The check in front of each page of the inspector, which refuses requests that `allow` does not allow.

    Args:
        allow: as `inspector` takes it.
        app: the one that is shown. Without `allow`, its `debug` lets everybody in, as long as it is on.

    Raises:
        ValueError: there is no `allow`, and `debug` is off.
        TypeError: `allow` cannot say who may look: it is not callable, or it is a class or a security
            scheme.
    """
    if allow is None:
        return Gate(_while_debugging(app), None)
    if isinstance(allow, DependsMarker):
        # `Security(get_user, scopes=[...])` has scopes beside the function.
        decider = _checked(allow.dependency)
        return Gate(_asking(allow, decider), decider)
    decider = _checked(allow)
    if _takes_the_request(decider):
        return Gate(_asking(Depends(_with_request(decider)), decider, is_predicate=True), decider)
    return Gate(_asking(Depends(decider), decider), decider)


def _while_debugging(app: Starlette) -> Callable[..., Awaitable[None]]:
    if not app.debug:
        raise ValueError(
            "the inspector needs to know who may look: give a dependency, or a function that takes the "
            "request, as in inspector(app, allow=require_admin); it can be left out only while app.debug "
            "is on, as in FastAPI(debug=True)"
        )

    async def allow_while_debugging(request: Request) -> None:
        if not app.debug:
            raise HTTPException(403, _REFUSED)
        request.scope[_LET_IN] = True

    return allow_while_debugging


# --- what may be asked ------------------------------------------------------------------------------


def _checked(allow: object) -> Callable[..., object]:
    if not callable(allow):
        raise TypeError(
            f"allow is a dependency or a function that takes the request, not {allow!r}: "
            "write allow=require_admin"
        )
    called = _what_is_called(allow)
    if isinstance(called, type):
        # FastAPI would make an instance for each request. Some refuse by raising in `__init__`; of most, all
        # instances are true, and their `__call__` is meant. These two kinds cannot be told apart.
        name = called.__name__
        raise TypeError(
            f"allow={name} is a class: each request would get an instance of it, and everybody be let in: "
            f"give an instance that is called with the request, allow={name}(...), or a function that "
            f"depends on it: def require_admin(checked: Annotated[{name}, Depends()]) -> None"
        )
    if isinstance(called, SecurityBase):
        raise TypeError(
            f"{type(called).__name__} reads credentials without checking them, so it would let in "
            "everybody who sends some: give a dependency that checks them"
        )
    return allow


def _what_is_called(allow: object) -> object:
    """The function, instance or class inside a partial, or whose `__call__` it is."""
    while isinstance(allow, functools.partial):
        allow = allow.func
    return allow.__self__ if inspect.ismethod(allow) and allow.__name__ == "__call__" else allow


def _takes_the_request(allow: Callable[..., object]) -> bool:
    """Whether it is a plain predicate, like `lambda request: …`.

    FastAPI would take that for a query parameter. With the annotation `Request` it hands the request over.
    """
    parameters = _signature(allow).parameters.values()
    unknown = [each.name for each in parameters if _has_neither_type_nor_default(each)]
    if unknown and len(parameters) > 1 and unknown[0] == "request":
        raise TypeError(
            f"allow={allow!r} takes a request without a type among other parameters: write request: Request"
        )
    return len(unknown) == len(parameters) == 1


def _signature(allow: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(allow)
    except ValueError as error:  # some that are written in C have none
        raise TypeError(f"allow={allow!r} does not say what it takes: put it into a function") from error


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
        except Exception as error:  # noqa: BLE001 - it is logged with its traceback
            _log_failure(predicate, error)
            return False

    return ask


# --- what the answer means --------------------------------------------------------------------------


def _asking(
    depends: Any, decider: Callable[..., object], *, is_predicate: bool = False
) -> Callable[..., Awaitable[None]]:
    promised = _signature(decider).return_annotation
    says_yes_or_no = is_predicate or promised is bool or promised == "bool"
    may_say_nothing = promised is None or promised == "None"

    async def allow_by_answer(request: Request, answer: Annotated[Any, depends]) -> None:
        # A lambda that calls an async function gives what is still to be awaited: an object, and so true.
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not True and (reason := _reason_to_refuse(answer, says_yes_or_no, may_say_nothing)):
            if answer is not False:
                _log_answer(decider, answer, reason)
            _discard(answer)
            raise HTTPException(403, _REFUSED)
        request.scope[_LET_IN] = True

    return allow_by_answer


def _reason_to_refuse(answer: object, says_yes_or_no: bool, may_say_nothing: bool) -> str | None:  # noqa: FBT001
    """Why that answer is not a yes; None if it is one."""
    reason = _mistake(answer)
    if reason is not None or says_yes_or_no:
        return reason or _USER_OR_RAISE
    if answer is None and may_say_nothing:
        return None
    try:
        return None if bool(answer) else _USER_OR_RAISE
    except Exception as error:  # noqa: BLE001 - said in the line that is logged
        return f"testing whether it is true raises {type(error).__name__}"


def _mistake(answer: object) -> str | None:
    """What is wrong with an answer that is certainly not a user."""
    for kinds, reason in _NO_USERS:
        if isinstance(answer, kinds):
            return reason
    if callable(answer):
        return "it was never called, so nothing was checked"
    if inspect.isawaitable(answer) or inspect.isgenerator(answer) or inspect.isasyncgen(answer):
        return "it never ran, so nothing was checked"
    # What Python returns for "not supported", and the body of a function that is not written yet.
    return _USER_OR_RAISE if answer is NotImplemented or answer is ... else None


def _discard(answer: object) -> None:
    """Avoid Python's warning about a coroutine that was never awaited."""
    if inspect.iscoroutine(answer):
        answer.close()


def _has_handler(error: Exception, handlers: Mapping[Any, Any]) -> bool:
    """Whether the app has a handler for that kind of exception, other than the one that makes a 500."""
    return any(
        kind in handlers
        for kind in type(error).__mro__
        if issubclass(kind, Exception) and kind is not Exception
    )


# --- what the log says ------------------------------------------------------------------------------


def _log_answer(allow: object, answer: object, reason: str) -> None:
    # By its type: the answer itself may be somebody's data.
    given = f"the class {answer.__name__}" if isinstance(answer, type) else type(answer).__name__
    _logger.warning("%s: allow=%s returned %s; %s", ALLOW_GAVE_NO_ANSWER, _named(allow), _safe(given), reason)


def _log_failure(allow: object, error: Exception) -> None:
    """With its traceback, but not as `exc_info`: the last line of that is the error's message as it is.

    Which may hold what a client sent, line breaks and all; the frames hold the app's own code.
    """
    raised = "".join(traceback.format_exception_only(error)).strip()
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    _logger.error("%s: allow=%s raised %s\n%s", ALLOW_FAILED, _named(allow), _safe(raised), frames)


def _named(allow: object) -> str:
    try:
        return _safe(repr(allow))
    except Exception:  # noqa: BLE001 - an object of the user's, whose name is no reason to answer with a 500
        return _safe(object.__repr__(allow))


def _safe(text: str) -> str:
    return escaped(bounded(text))
