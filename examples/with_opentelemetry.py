"""Trace CORS decisions: `on_decision` adds each decision to the current span.

    python examples/with_opentelemetry.py            makes four calls and prints their spans
    python examples/with_opentelemetry.py --check    the same; exits with 1 if a span is not as expected

Copy `note_on_span` and `create_app`. The rest makes the calls, as a browser would.
"""

import argparse
import contextlib

import serving
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from route_cors import CORSPolicy, Decision, cors, install_cors
from route_cors.testing import Browser, CORSBlocked

OURS = "https://app.example.com"
STRANGER = "https://evil.example"

# --- The part to copy ------------------------------------------------------------------------------------


def note_on_span(decision: Decision) -> None:
    """Add the decision to the span of the request; without a span, this does nothing."""
    span = trace.get_current_span()
    span.set_attribute("cors.event", decision.event)
    span.set_attribute("cors.allowed", decision.allowed)
    span.set_attribute("cors.failed", ",".join(decision.failed))
    # Limited in length, but chosen by the client: suitable for a trace, never for a metric.
    span.set_attribute("cors.origin", decision.origin)
    if decision.route is not None:
        span.set_attribute("cors.route", decision.route)


def create_app(provider: TracerProvider) -> FastAPI:
    """An API whose requests are traced."""
    app = FastAPI()

    @app.put("/account/{account_id}")
    @cors(CORSPolicy(origins=OURS))
    async def save_account(account_id: int) -> int:
        return account_id

    @app.get("/health")
    async def health() -> str:
        return "fine"

    # These two calls may be in either order.
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    install_cors(app, on_decision=note_on_span)
    return app


# --- The demonstration -----------------------------------------------------------------------------------

EXPECTED = [
    "OPTIONS RCE01 allowed=True failed= origin=https://app.example.com route=/account/{account_id}",
    "PUT RCE03 allowed=True failed= origin=https://app.example.com route=/account/{account_id}",
    "OPTIONS RCE02 allowed=False failed=origin origin=https://evil.example route=/account/{account_id}",
    "GET: no policy, no decision",
]


def traced_calls() -> list[str]:
    """One line per span, in the order of the requests."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app = create_app(provider)
    Browser(app, origin=OURS).fetch("/account/7", method="PUT")
    with contextlib.suppress(CORSBlocked):
        Browser(app, origin=STRANGER).fetch("/account/7", method="PUT")
    with contextlib.suppress(CORSBlocked):
        Browser(app, origin=STRANGER).fetch("/health")
    return [in_words(span) for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]


def in_words(span: ReadableSpan) -> str:
    """The method, and the attributes that `note_on_span` set."""
    method = span.name.split()[0]
    noted = {name: value for name, value in (span.attributes or {}).items() if name.startswith("cors.")}
    if not noted:
        return f"{method}: no policy, no decision"
    fields = (
        f"{name.removeprefix('cors.')}={value}" for name, value in noted.items() if name != "cors.event"
    )
    return f"{method} {noted['cors.event']} {' '.join(fields)}"


def main() -> int:
    """Print the spans; with `--check`, return 1 if they are not as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a span is not as expected")
    arguments = parser.parse_args()
    seen = traced_calls()
    print(*seen, sep="\n")
    return int(arguments.check and seen != EXPECTED)


if __name__ == "__main__":
    serving.run(main)
