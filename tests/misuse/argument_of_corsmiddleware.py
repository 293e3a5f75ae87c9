"""The arguments of CORSMiddleware, written for a policy.

Error: TypeError
    a policy has no argument allow_origins: write origins=
Fix: write origins= and leave methods out.
"""

from route_cors import CORSPolicy

CORSPolicy(allow_origins=["https://app.example.com"])  # type: ignore[call-arg]
