"""Origins that a regex matches, made by filling its variable parts with letters that it does not contain.

Those letters mark what a visitor can choose freely. Nothing is concluded from the regex itself: a sample
counts only if the policy's own matcher accepts it. A regex that is misread here gives fewer samples, never
wrong ones.
"""

from __future__ import annotations

import itertools
import re
import warnings
from typing import TYPE_CHECKING, Final

from route_cors.origins import MAX_ORIGIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Regexes for origins stay far below these limits; one that does not is not read.
_MAX_PATTERN: Final = 2000
_MAX_SAMPLES: Final = 2000
_MAX_OF_A_GROUP: Final = 50
_MAX_DEPTH: Final = 20
# Letters and digits for the variable parts: rare ones first.
_LETTERS: Final = "qzxjvkwgpyfbumhdcltrnsioae"
_DIGITS: Final = "7945386201"

_TOKEN: Final = re.compile(
    r"(?P<look>\(\?(?:[=!]|<[=!]))"
    r"|(?P<flags>\(\?[aiLmsux]+\))"
    r"|(?P<open>\((?:\?(?:P<\w+>|[aiLmsux-]*:|>))?)"
    r"|(?P<close>\))"
    r"|(?P<or>\|)"
    r"|(?P<anchor>\^|\$|\\[AZb])"
    r"|(?P<hole>\.|\\[dDwWsS]|\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<literal>\\.|[^\\])",
    re.DOTALL,
)
_TIMES: Final = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})[?+]?")


class Sampler:
    r"""Samples of the origins that a regex matches.

    Attributes:
        letter, digit: what fills the variable parts; None if the regex contains all of them.

    >>> sampler = Sampler(re.compile(r"https://.*example\.com"))
    >>> "https://qexample.com" in sampler.samples()
    True
    """

    def __init__(self, regex: re.Pattern[str]) -> None:
        self._pattern = regex.pattern
        self._at = 0
        self.letter = next((letter for letter in _LETTERS if letter not in regex.pattern.lower()), None)
        self.digit = next((digit for digit in _DIGITS if digit not in regex.pattern), None)

    def samples(self) -> Iterator[str]:
        """Up to 2,000 strings of the regex's form; a misread part gives samples that do not match."""
        self._at = 0 if len(self._pattern) <= _MAX_PATTERN else len(self._pattern)
        return itertools.islice(self._alternatives(0), _MAX_SAMPLES)

    def _alternatives(self, depth: int) -> Iterator[str]:
        """The samples of the part from here to the end of the group."""
        branches: list[list[list[str]]] = [[]]
        while (token := _TOKEN.match(self._pattern, self._at)) is not None:
            self._at = token.end()
            if token.lastgroup == "close":
                break
            if token.lastgroup == "or":
                branches.append([])
            else:
                branches[-1].append(self._repeated(self._fillings(token, depth), token))
        for branch in branches:
            yield from _combined(branch)

    def _fillings(self, token: re.Match[str], depth: int) -> list[str]:
        """Strings that may match one piece of the regex."""
        text = token[0]
        match token.lastgroup:
            case "open" | "look":
                inner = self._alternatives(depth + 1) if depth < _MAX_DEPTH else iter(())
                read = [*itertools.islice(inner, _MAX_OF_A_GROUP)]
                return read if token.lastgroup == "open" else [""]
            case "hole":
                return self._holes(text)
            case "literal":
                return [text.removeprefix("\\") or text]
            case _:
                return [""]

    def _holes(self, atom: str) -> list[str]:
        """The fill letters that the atom, which matches one character, accepts."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a "[" in a class: already shown when the user compiled it
            regex = re.compile(atom, re.DOTALL)
        known = [each for each in (self.letter, self.digit, ".") if each is not None]
        return [each for each in known if regex.fullmatch(each)] or [
            chr(code) for code in range(33, 127) if regex.fullmatch(chr(code))
        ][:1]

    def _repeated(self, fillings: list[str], token: re.Match[str]) -> list[str]:
        times = _TIMES.match(self._pattern, self._at)
        if times is None:
            return fillings
        self._at = times.end()
        if times["sign"] == "?":
            return ["", *fillings]
        is_endless = times["sign"] is not None or (bool(times["comma"]) and not times["most"])
        least = int(times["least"] or 0) if times["sign"] is None else int(times["sign"] == "+")
        repeated = _times(fillings, max(least, 1))
        if is_endless:
            repeated += _times(fillings, max(least, 2))
            repeated += self._sites(fillings) if token.lastgroup == "hole" else []
        return repeated if least else [*repeated, ""]

    def _sites(self, fillings: Iterable[str]) -> Iterator[str]:
        """What an unlimited run of characters may contain: labels, a whole site, a scheme and a label."""
        mine = self.letter
        if mine is None or mine not in fillings:
            return
        if "." in fillings:
            yield from (f"{mine}.{mine}.", f"{mine}.{mine}", f".{mine}.com", f"{mine}.com")
        yield from (f"http://{mine}.", f"https://{mine}.", f"http://{mine}", f"https://{mine}")


def _times(fillings: Iterable[str], times: int) -> list[str]:
    return [filling * times for filling in fillings if len(filling) * times <= MAX_ORIGIN_BYTES]


def _combined(pieces: Sequence[Sequence[str]]) -> Iterator[str]:
    """One filling for each piece: first with one piece at a time changed, then in all combinations."""
    usual = [fillings[0] for fillings in pieces if fillings]
    if len(usual) < len(pieces):
        return
    for position, fillings in enumerate(pieces):
        for filling in fillings[position > 0 :]:
            yield "".join((*usual[:position], filling, *usual[position + 1 :]))
    yield from map("".join, itertools.product(*pieces))
