"""Credentials for an http origin, which anyone on the network can impersonate.

Error: CORSConfigError
    origins: 'http://app.example.com': http with credentials: anyone on the network can act as the
    user; use https, or set dangerously_allow_insecure_origins; write 'https://app.example.com'
    instead
Fix: write https.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="http://app.example.com", allow_credentials=True)
