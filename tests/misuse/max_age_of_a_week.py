"""A cache that lasts for a week: no browser keeps a preflight for longer than a day.

Error: CORSConfigError
    max_age: 604800: not between 0 and 86400 seconds; write 86400 instead
Fix: write 86400 or less.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com", max_age=604_800)
