"""A class in place of an instance: calling it makes an object, which counts as true.

Error: CORSConfigError
    origins: <class 'class_as_callable.IsOurs'>: a class: calling it creates an object, which counts
    as true; use a function or an instance
Fix: give an instance, or a function.
"""

from route_cors import CORSPolicy

OURS = {"https://app.example.com"}


class IsOurs:
    def __init__(self, origin: str, connection: object) -> None:
        self.answer = origin in OURS


CORSPolicy(origins=IsOurs)  # type: ignore[arg-type]
