"""The origin `null`, for a page that was opened from a file.

Error: CORSConfigError
    origins: 'null': every sandboxed frame and every file: page has the origin null, which anyone
    can have: serve the page over https, from http://localhost, or from a scheme of the app's own
    (app://.)
Fix: serve the page from a local server, and name that origin.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="null")
