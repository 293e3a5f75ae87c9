"""Origins that change while the app runs.

members.py reads what a load returned, kept.py keeps the last good set in a file, loading.py calls the load
again and again, origins.py is what users see, and lifespan.py runs it with an app.
"""

from route_cors.live.lifespan import serve_lifespan
from route_cors.live.origins import LiveOrigins

__all__ = ["LiveOrigins", "serve_lifespan"]
