"""Origins in Redis: all workers immediately follow what is added to a set there, and what is removed.

    python examples/live_redis.py                             # four workers; REDIS_URL
    redis-cli SADD cors:origins https://partner.example
    redis-cli PUBLISH cors:changed ''                         # without it, at the next poll
    curl -i -H 'Origin: https://partner.example' http://127.0.0.1:8000/worker

While Redis is down, the last good set stays in use; a worker that starts then begins with the kept file.
"""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import serving
import redis.asyncio
from fastapi import FastAPI

from route_cors import CORSPolicy, LiveOrigins, install_cors

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
KEY = "cors:origins"
CHANNEL = "cors:changed"
KEPT = Path(os.environ.get("KEPT_ORIGINS", Path(tempfile.gettempdir(), "live_redis.json")))

client = redis.asyncio.Redis.from_url(
    REDIS_URL, decode_responses=True, socket_connect_timeout=2, health_check_interval=10
)


async def partners() -> list[str]:
    """The members of the set."""
    return [str(origin) for origin in await client.smembers(KEY)]


async def changes() -> AsyncIterator[None]:
    """One item for each message, and one when the subscription begins: what came before it is lost."""
    async with client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async for _ in channel.listen():
            yield


live = LiveOrigins(partners, every=30, wake=changes, keep=KEPT)
app = FastAPI()
install_cors(app, default=CORSPolicy(origins=["https://app.example.com", live], allow_credentials=True))


@app.get("/worker")
async def worker() -> dict[str, int]:
    """Which worker answers."""
    return {"pid": os.getpid()}


@app.get("/health")
async def health() -> dict[str, float | int | None]:
    """For an alert, if the set has not been loaded for a long time."""
    return {"origins": len(live.origins), "age": live.age, "left_out": len(live.problems)}


if __name__ == "__main__":
    serving.serve_workers("live_redis:app", 4)
