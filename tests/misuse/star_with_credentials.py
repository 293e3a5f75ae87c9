"""Any origin, with credentials.

Error: CORSConfigError
    origins: '*': with credentials every site could act as the user: name the origins to allow
Fix: name the origins.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="*", allow_credentials=True)
