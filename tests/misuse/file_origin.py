"""Pages that are opened from files.

Error: CORSConfigError
    origins: 'file://': pages of that scheme have the origin null, which anyone can have: serve the
    page over https, from http://localhost, or from a scheme of the app's own (app://.)
Fix: serve them from a local server.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="file://")
