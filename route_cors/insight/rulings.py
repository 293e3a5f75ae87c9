"""What enforcement says about one request of an explained call: the step of the rule, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.describe import origins_in_words
from route_cors.insight.explanation import Check
from route_cors.insight.printable import shortened
from route_cors.judging import sender_of
from route_cors.protocol import Terms
from route_cors.senders import Ruling, judge_sender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.attempt import Attempt, Sent
    from route_cors.insight.handled import Handled
    from route_cors.senders import Sender

_NAME = "enforcement"
_NOBODY = Terms(None)


def ruling_checks(attempt: Attempt, sent: Sent) -> Iterator[Check]:
    """The check of enforcement, if there is one.

    A form, image or link can only be refused by enforcement: for these, the check is there even if nothing
    enforces.
    """
    handled = sent.handled
    sender = sender_of(handled.scope)._replace(has_credentials=attempt.call.credentials)
    if handled.is_enforced:
        ruling = _ruling(handled, sender)
        words = _why_it_passes(handled, sender, ruling) if ruling.failed is None else None
        detail = _why_it_fails(handled, sender, ruling) if words is None else words
        yield Check(_NAME, ruling.failed is None, f"step {ruling.step} of the rule: {detail}")
    elif attempt.call.as_ != "fetch" and handled.reached_app:
        ruling = _judged(handled, sender)
        would = "passes it" if ruling.failed is None else "refuses it"
        yield Check(_NAME, None, f"none here; with enforce=True, step {ruling.step} of the rule {would}")


def is_refused_with_cookies(sent: Sent) -> bool:
    """Whether enforcement allows a request that it would refuse with the user's cookies."""
    handled = sent.handled
    if not handled.is_enforced or handled.refused_for is not None:
        return False
    return _judged(handled, sender_of(handled.scope)._replace(has_credentials=True)).failed is not None


def _policy_named(handled: Handled) -> str:
    """What the policy allows, in words that follow "by"."""
    policy = (handled.target.terms or _NOBODY).policy
    return "@no_cors" if policy is None else origins_in_words(policy)


def _ruling(handled: Handled, sender: Sender) -> Ruling:
    """What the layer decided: only the last two steps refuse."""
    if handled.refused_for is None:
        return _judged(handled, sender)
    return Ruling(4 if sender.site is None else 3, handled.refused_for)


def _judged(handled: Handled, sender: Sender) -> Ruling:
    """What the rule says, by the same facts as the layer has."""
    terms = handled.target.terms or _NOBODY
    is_named = sender.origin is not None and terms.admits(sender.origin)
    is_allowed = terms.any_origin or is_named or any(each.allowed for each in handled.asked)
    return judge_sender(sender, handled.method, is_allowed=is_allowed, for_anyone=terms.for_anyone)


def _why_it_passes(handled: Handled, sender: Sender, ruling: Ruling) -> str:
    match ruling.step:
        case 1:
            return f"the browser sends {_site(sender)}: no page of another origin is involved"
        case 2:
            return _why_it_is_allowed(handled, sender)
        case 3:
            return f"the browser sends {_site(sender)}, and a {handled.method} without an Origin is allowed"
        case _ if sender.origin is None:
            return "the browser sends neither a Sec-Fetch-Site nor an Origin"
        case _:
            return f"the browser sends no Sec-Fetch-Site, and {_origin(sender)} is the app's own origin"


def _why_it_is_allowed(handled: Handled, sender: Sender) -> str:
    terms = handled.target.terms or _NOBODY
    if not terms.for_anyone:
        return f"{_origin(sender)} is {allowed(handled)}"
    return f"{_policy_named(handled)} is allowed, as long as no cookies or HTTP authentication are sent"


def _why_it_fails(handled: Handled, sender: Sender, ruling: Ruling) -> str:
    if ruling.failed == "credentials":
        why = f"{_policy_named(handled)} is allowed, but never with cookies or HTTP authentication"
    elif handled.target.terms is None:
        why = f"no policy allows {_origin(sender)}"
    else:
        why = f"{_origin(sender)} is not {allowed(handled)}"
    if sender.site is not None:
        return f"the browser sends {_site(sender)}, and {why}"
    return f"the browser sends no Sec-Fetch-Site, the app's own origin is {own_origin(sender)}, and {why}"


def allowed(handled: Handled) -> str:
    """By which policy an origin is allowed, or not, and what its callables said: words after "is"."""
    return f"allowed by {_policy_named(handled)}" + "".join(f"; {each}" for each in handled.asked)


def own_origin(sender: Sender) -> str:
    """The app's own origin, with which that of the page was compared, in words."""
    return "not known" if sender.own_origin is None else shortened(sender.own_origin.decode("latin-1"))


def _site(sender: Sender) -> str:
    return f"Sec-Fetch-Site: {(sender.site or b'').decode('latin-1')}"


def _origin(sender: Sender) -> str:
    return (sender.origin or b"").decode("latin-1")
