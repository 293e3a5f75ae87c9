"""Credentials for all sites of a hosting provider, by a pattern.

Error: CORSConfigError
    origins: 'https://*.github.io': anyone can register a name under github.io, a public suffix, and
    act as the user with credentials; name the origins, or set dangerously_allow_public_suffixes
Fix: name your own sites there.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://*.github.io", allow_credentials=True)
