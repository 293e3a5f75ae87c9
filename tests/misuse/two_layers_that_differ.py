"""Two calls of install_cors that do not agree.

Error: ValueError
    install_cors() was called on this app before, with default=None, debug=None, on_decision=None,
    openapi=False, enforce=False, dry_run=False: call it once
Fix: call it once.
"""

from fastapi import FastAPI

from route_cors import CORSPolicy, install_cors

app = FastAPI()
install_cors(app)
install_cors(app, default=CORSPolicy(origins="https://app.example.com"))
