"""Two header names in one string.

Error: CORSConfigError
    allow_headers: 'X-Token, X-Page': a bare string: write a list of strings; write ["X-Token",
    "X-Page"] instead
Fix: write a list.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", allow_headers="X-Token, X-Page")
