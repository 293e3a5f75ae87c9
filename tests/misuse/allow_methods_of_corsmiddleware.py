"""The methods as CORSMiddleware wants them.

Error: TypeError
    a policy has no argument allow_methods: write methods=
Fix: leave them out: the methods of the route are granted.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", allow_methods=["*"])  # type: ignore[call-arg]
