"""A policy that is changed after it was declared.

Error: AttributeError
    a CORSPolicy is immutable: use evolve(allow_credentials=...) for a changed copy
Fix: use evolve for a changed copy.
"""

from route_cors import CORSPolicy

policy = CORSPolicy(origins="https://app.example.com")
policy.allow_credentials = True
