"""Origins from the environment, a .env file or a secret, read by pydantic-settings.

    CORS_ORIGINS="https://app.example.com, https://*.preview.example.com" python examples/from_settings.py
    curl -i -H 'Origin: https://pr7.preview.example.com' http://127.0.0.1:8000/orders

Without the variable, the origin http://localhost:5173 is allowed; an empty one allows no origin. `OriginList`
reads a JSON list, or origins separated by commas or spaces. A mistake stops the program when it starts, and
the error names the variable, the value and what to write instead.
"""

import serving
from fastapi import FastAPI
from pydantic_settings import BaseSettings, SettingsConfigDict

from route_cors import CORSPolicy, OriginList, cors, install_cors


class Settings(BaseSettings):
    """The settings of a deployment."""

    model_config = SettingsConfigDict(env_file=".env", env_nested_delimiter="__", extra="ignore")

    cors_origins: OriginList = OriginList("http://localhost:5173")
    # A whole policy: PARTNERS='{"origins": ["https://partner.example"]}', or PARTNERS__ORIGINS=...
    partners: CORSPolicy = CORSPolicy(origins=[])


settings = Settings()
app = FastAPI()


@app.get("/orders")
async def orders() -> list[str]:
    """Return what the team's own front end shows."""
    return ["tea"]


@app.get("/stock")
@cors(settings.partners)
async def stock() -> dict[str, int]:
    """Return what partners may read."""
    return {"tea": 3}


install_cors(app, default=CORSPolicy(origins=settings.cors_origins, allow_credentials=True))

if __name__ == "__main__":
    serving.serve(app)
