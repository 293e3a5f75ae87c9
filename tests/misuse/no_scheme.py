"""A host in place of an origin.

Error: CORSConfigError
    origins: 'app.example.com': no scheme: an origin is "scheme://host" or "scheme://host:port";
    write 'https://app.example.com' instead
Fix: write the scheme as well.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="app.example.com")
