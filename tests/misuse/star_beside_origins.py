"""A `*` beside the origins, to be on the safe side.

Error: CORSConfigError
    origins: '*': allows every origin: leave out the other origins, or leave out this one
Fix: write `*` alone, or leave it out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins=["https://app.example.com", "*"])
