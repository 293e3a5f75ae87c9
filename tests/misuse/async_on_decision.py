"""An async function as on_decision, which nobody would await.

Error: TypeError
    on_decision must be a plain function, not <function count at 0x7f3a>: write `def
    on_decision(decision): ...`, and let it put the decision into a queue for async code
Fix: write a plain function, and put the decision into a queue.
"""

from fastapi import FastAPI

from route_cors import Decision, install_cors


async def count(decision: Decision) -> None: ...


app = FastAPI()
install_cors(app, on_decision=count)
