"""The decorator with empty parentheses.

Error: TypeError
    cors() needs origins: write @cors(origins=[...]) or @cors(policy), or @no_cors to close it
Fix: name the origins.
"""

from route_cors import cors


@cors()  # type: ignore[call-overload, untyped-decorator]
async def quotes() -> None: ...
