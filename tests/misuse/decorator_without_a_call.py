"""The decorator without its arguments.

Error: TypeError
    cors() takes a CORSPolicy or its arguments by name, not <function quotes at 0x7f3a>: write
    @cors(origins=[...])
Fix: write @cors(origins=[...]).
"""

from route_cors import cors


@cors  # type: ignore[call-overload]
async def quotes() -> None: ...
