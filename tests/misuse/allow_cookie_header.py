"""A request header that no script can set.

Error: CORSConfigError
    allow_headers: 'Cookie': a forbidden request-header in the Fetch standard: no script can set it
Fix: use allow_credentials=True for cookies.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", allow_headers=["Cookie"])
