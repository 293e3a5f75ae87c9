"""A response header that no script can read.

Error: CORSConfigError
    expose_headers: 'Set-Cookie': a forbidden response-header name in the Fetch standard: no script
    can read it
Fix: leave it out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", expose_headers=["Set-Cookie"])
