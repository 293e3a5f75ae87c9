"""All methods, by a `*`.

Error: CORSConfigError
    methods: '*': methods only restrict those of the route: leave methods out to allow all of them
Fix: leave methods out: the methods of the route are granted.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", methods=["*"])
