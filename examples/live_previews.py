"""Preview deployments: CI registers the exact origin of each, with a lifetime.

    python examples/live_previews.py        # REDIS_URL names the server, if it is not on this machine

    # in CI: after deploying, with the lifetime in hours; and when the pull request is closed
    python examples/live_previews.py register https://shop-pr-7.vercel.app 24
    python examples/live_previews.py remove https://shop-pr-7.vercel.app

A pattern, `https://shop-*.vercel.app`, is refused: anyone can name a project shop-evil and act as your users.
A preview runs code that has not been reviewed yet: give it an API with test data, not the production one.
"""

import os
import sys
import time

import serving
import redis
import redis.asyncio
from fastapi import FastAPI

from route_cors import CORSPolicy, LiveOrigins, install_cors

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
KEY = "cors:previews"
client = redis.asyncio.Redis.from_url(REDIS_URL, decode_responses=True, socket_timeout=5)


async def previews() -> list[str]:
    """The origins whose lifetime has not ended."""
    return [str(origin) for origin in await client.zrangebyscore(KEY, time.time(), "+inf")]


live = LiveOrigins(previews, every=float(os.environ.get("EVERY", "10")))
app = FastAPI()
install_cors(app, default=CORSPolicy(origins=["https://shop.example.com", live], allow_credentials=True))


@app.get("/")
async def members() -> list[str]:
    """The previews that are allowed now."""
    return list(live.origins)


def register(origin: str, hours: float) -> None:
    """Allow an origin for so many hours. A pattern or a typo fails the job in CI, with the fix."""
    CORSPolicy(origins=origin)
    if "*" in origin:
        sys.exit(f"{origin!r} is a pattern: register the origin of one deployment")
    with redis.Redis.from_url(REDIS_URL) as store:
        store.zadd(KEY, {origin: time.time() + hours * 3600})
        store.zremrangebyscore(KEY, "-inf", time.time())


def remove(origin: str) -> None:
    """Refuse it from now on."""
    with redis.Redis.from_url(REDIS_URL) as store:
        store.zrem(KEY, origin)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["register", origin, hours]:
            register(origin, float(hours))
        case ["remove", origin]:
            remove(origin)
        case _:
            serving.serve(app)
