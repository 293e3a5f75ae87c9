"""Count CORS decisions for Prometheus: `on_decision` counts them, /metrics serves them.

    python examples/with_prometheus.py            makes some calls and prints the metrics
    python examples/with_prometheus.py --check    the same; exits with 1 if a count is not as expected

Copy `create_app`. The rest makes the calls, as a browser would.
"""

import argparse
import contextlib

import serving
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest

from route_cors import CORSPolicy, Decision, cors, install_cors, no_cors
from route_cors.testing import Browser, CORSBlocked

OURS = "https://app.example.com"
STRANGER = "https://evil.example"

# --- The part to copy ------------------------------------------------------------------------------------


def create_app() -> FastAPI:
    """An API that counts its decisions."""
    app = FastAPI()
    registry = CollectorRegistry()
    decisions = Counter(
        "cors_decisions",
        "Cross-origin requests, by what was decided about them.",
        ["event", "route", "allowed"],
        registry=registry,
    )

    def count(decision: Decision) -> None:
        # The route as registered. Never `origin` or `path`: a client can make up any number of them, and each
        # would be a time series that is kept forever.
        route = "" if decision.route is None else decision.route
        decisions.labels(decision.event, route, str(decision.allowed).lower()).inc()

    @app.put("/account/{account_id}")
    @cors(CORSPolicy(origins=OURS))
    async def save_account(account_id: int) -> int:
        return account_id

    @app.get("/metrics")
    @no_cors
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    install_cors(app, on_decision=count)
    return app


# --- The demonstration -----------------------------------------------------------------------------------

EXPECTED = [
    'cors_decisions_total{allowed="true",event="RCE01",route="/account/{account_id}"} 3.0',
    'cors_decisions_total{allowed="true",event="RCE03",route="/account/{account_id}"} 3.0',
    'cors_decisions_total{allowed="false",event="RCE02",route="/account/{account_id}"} 2.0',
    'cors_decisions_total{allowed="false",event="RCE04",route="/metrics"} 1.0',
]


def counted_calls() -> list[str]:
    """The metrics that Prometheus would read after some calls, without comments and creation times."""
    app = create_app()
    for account in range(3):
        Browser(app, origin=OURS).fetch(f"/account/{account}", method="PUT")
    for method, url in (("PUT", "/account/1"), ("PUT", "/account/2"), ("GET", "/metrics")):
        with contextlib.suppress(CORSBlocked):
            Browser(app, origin=STRANGER).fetch(url, method=method)
    # Without another origin, as Prometheus is not a page.
    metrics = Browser(app, origin="https://testserver").fetch("/metrics").text
    return [line for line in metrics.splitlines() if line.startswith("cors_decisions_total")]


def main() -> int:
    """Print the metrics; with `--check`, return 1 if they are not as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a count is not as expected")
    arguments = parser.parse_args()
    seen = counted_calls()
    print(*seen, sep="\n")
    return int(arguments.check and seen != EXPECTED)


if __name__ == "__main__":
    serving.run(main)
