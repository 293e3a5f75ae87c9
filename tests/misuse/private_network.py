"""An argument for headers that browsers have dropped.

Error: TypeError
    a policy has no argument allow_private_network: browsers have dropped the headers of Private
    Network Access: remove it
Fix: leave it out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", allow_private_network=True)  # type: ignore[call-arg]
