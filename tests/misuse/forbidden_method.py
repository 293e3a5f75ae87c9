"""A method that no browser sends.

Error: CORSConfigError
    methods: 'TRACE': a forbidden method in the Fetch standard: no script can send it
Fix: leave it out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", methods=["GET", "TRACE"])
