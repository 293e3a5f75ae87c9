"""Origins in a table of PostgreSQL: a trigger notifies the app of each change.

    python examples/live_postgres.py
    psql -c "INSERT INTO cors_origins VALUES ('https://partner.example')"
    curl -i -H 'Origin: https://partner.example' http://127.0.0.1:8000/

DATABASE_URL names the server, if it is not the one on this machine.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import serving
import asyncpg
from fastapi import FastAPI

from route_cors import CORSPolicy, LiveOrigins, install_cors

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://127.0.0.1/postgres")
# A migration would do this. The lock is for several workers that start at once.
SETUP = """
SELECT pg_advisory_xact_lock(20250301);
CREATE TABLE IF NOT EXISTS cors_origins (origin text PRIMARY KEY);
CREATE OR REPLACE FUNCTION cors_changed() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NOTIFY cors_changed; RETURN NULL; END';
CREATE OR REPLACE TRIGGER cors_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cors_origins
    EXECUTE FUNCTION cors_changed();
"""


async def partners() -> list[str]:
    """The rows of the table. An app with a connection pool would use that."""
    connection = await asyncpg.connect(DATABASE_URL, timeout=5)
    try:
        async with connection.transaction():
            await connection.execute(SETUP)
        return [row["origin"] for row in await connection.fetch("SELECT origin FROM cors_origins")]
    finally:
        await connection.close(timeout=5)


async def changes() -> AsyncIterator[None]:
    """One item for each notification, until the connection is lost; `LiveOrigins` then asks for another."""
    notified: asyncio.Queue[str | None] = asyncio.Queue()
    connection = await asyncpg.connect(DATABASE_URL, timeout=5)
    try:
        connection.add_termination_listener(lambda *_: notified.put_nowait(None))
        await connection.add_listener("cors_changed", lambda *_: notified.put_nowait("changed"))
        yield  # what came before is lost
        while await notified.get():
            yield
    finally:
        await connection.close(timeout=5)


live = LiveOrigins(partners, every=30, wake=changes)
app = FastAPI()
install_cors(app, default=CORSPolicy(origins=live, allow_credentials=True))


@app.get("/")
async def members() -> list[str]:
    """The origins that are allowed now."""
    return list(live.origins)


if __name__ == "__main__":
    serving.serve(app)
