"""A list of origins in place of a policy.

Error: TypeError
    cors must be a CORSPolicy, no_cors or None, not ['https://app.example.com']: write
    cors=CORSPolicy(origins=[...])
Fix: write CORSPolicy(origins=[...]).
"""

from route_cors import CORSRouter

router = CORSRouter(cors=["https://app.example.com"])  # type: ignore[arg-type]
