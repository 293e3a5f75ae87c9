"""All headers exposed, with credentials: browsers read the `*` as a name.

Error: CORSConfigError
    expose_headers: '*': with credentials browsers read "*" as a header name: name the headers to
    expose
Fix: name the headers.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", expose_headers="*", allow_credentials=True)
