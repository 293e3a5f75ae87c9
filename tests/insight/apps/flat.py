"""A to-do list as a flat FastAPI app: every route stands on the app itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket

from route_cors import CORSPolicy, cors, install_cors, no_cors

OURS = CORSPolicy(
    origins=["https://todo.example.com"],
    allow_headers=["X-Request-Id"],
    expose_headers=["ETag"],
    allow_credentials=True,
    enforce=True,
)

Session = Annotated[str | None, Cookie()]

app = FastAPI(title="To-do list")


@app.get("/")
@cors(origins="*")
async def index() -> dict[str, str]:
    return {"name": "To-do list"}


@app.get("/health")
@no_cors
async def health() -> str:
    return "ok"


@app.get("/todos")
@cors(OURS)
async def list_todos(session: Session = None) -> list[str]:
    return []


@app.post("/todos", status_code=201)
@cors(OURS)
async def add_todo(text: str, session: Session = None) -> str:
    return text


@app.get("/todos/{todo_id}")
@cors(OURS)
async def read_todo(todo_id: int, session: Session = None) -> int:
    return todo_id


@app.put("/todos/{todo_id}")
@cors(OURS)
async def save_todo(todo_id: int, text: str, session: Session = None) -> str:
    return text


@app.delete("/todos/{todo_id}")
@cors(OURS.evolve(max_age=0))
async def delete_todo(todo_id: int, session: Session = None) -> None: ...


@app.websocket("/todos/live")
@cors(OURS)
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


install_cors(app)
