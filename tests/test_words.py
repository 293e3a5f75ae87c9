"""Odd words and phrases that were replaced everywhere, so that they do not come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]

BETTER: Final = {
    "mend": "fix",
    "mends": "fixes",
    "mended": "fixed",
    "mending": "fixing",
    "wholly": "entirely, or leave it out",
    "are no browsers": "are not browsers",
    "in parts of": "relative to",
    "carries it out": "applies it",
    "sits on the network": "anyone on the network",
    "speak in its name": "impersonate it",
    "speak in their name": "impersonate them",
    "of anyone's": "that anyone can register",
    "stands where": "is where",
    "be it": "even if it is",
    "in vain": "without effect",
    "to and fro": "back and forth",
    "carries the policy out": "applies the policy",
    "carries out": "applies",
    "nobody can": "cannot",
    "where nobody": "if no one",
    "speak for": "apply to",
    "speaks for": "applies to",
    "of no account": "not checked",
    "becomes of": "happens to",
    "no route serves": "has no route",
    "story": "result",
    "in the box": "of route_cors.testing",
    "in silence": "silently",
    "stands around": "is around",
    "stands outside": "is outside",
    "is no method": "is not a method",
    "is no URL": "is not a URL",
    "leads nowhere": "is not valid",
    "nothing of": "no part of, or cannot read it",
    "whoever": "anyone who",
    "became of": "happened to",
    "of which nothing": "unknown",
    "knows better": "decides",
    "requests of strangers": "cross-origin requests that no policy allows",
    "taken for": "treated as",
    "stands in front": "is in front",
    "stands inside": "is inside",
    "refuses nobody": "does not refuse the request",
    "cut to a bound": "limited in length",
    "says yes to": "allows",
    "ends TLS": "terminates TLS",
}
"""Each phrase, and what to write instead. None of them has a legitimate use here."""

# A phrase may go on in the next line, which may be a comment.
_GAP: Final = r"(?:\s|#)+"
_PHRASES: Final = {
    phrase: re.compile(rf"\b{_GAP.join(map(re.escape, phrase.split()))}\b", re.IGNORECASE)
    for phrase in BETTER
}


def odd_words(text: str) -> list[str]:
    """Each place with one of the phrases: its line, the phrase, and the better words."""
    return [
        f"line {text.count(chr(10), 0, found.start()) + 1}: {phrase!r}: write {BETTER[phrase]!r}"
        for phrase, regex in _PHRASES.items()
        for found in regex.finditer(text)
    ]


def texts() -> dict[str, str]:
    """The package, the examples, the documents and what is new in the changelog, by file."""
    files = [
        *(ROOT / "route_cors").rglob("*.py"),
        *(ROOT / "route_cors").rglob("*.js"),
        *(file for kind in ("*.py", "*.html", "*.md") for file in (ROOT / "examples").rglob(kind)),
        *(ROOT / ".github").rglob("*.md"),
        ROOT / "README.md",
    ]
    found = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted(files)}
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return {**found, "CHANGELOG.md": changelog.partition("\n## [0.1.0]")[0]}


def test_no_odd_words() -> None:
    found = [f"{file}, {place}" for file, text in texts().items() for place in odd_words(text)]
    assert found == []


def test_the_texts_are_there() -> None:
    found = texts()
    assert {
        "README.md",
        "CHANGELOG.md",
        "route_cors/policy.py",
        "route_cors/insight/inspector/script/show.js",
        "examples/README.md",
        "examples/mixed_api.py",
        "examples/demonstration/calls.py",
        "examples/demonstration/index.html",
    } <= {Path(name).as_posix() for name in found}
    assert {"CONTRIBUTING.md", "SECURITY.md"} <= {Path(name).name for name in found}
    assert "## [Unreleased]" in found["CHANGELOG.md"]
    assert "## [0.2.0]" in found["CHANGELOG.md"]
    assert "## [0.1.0]" not in found["CHANGELOG.md"]


@pytest.mark.parametrize("phrase", BETTER)
def test_a_phrase_is_found(phrase: str) -> None:
    """On its line, in upper case, and across two lines of a comment."""
    said = [f"line 2: {phrase!r}: write {BETTER[phrase]!r}"]
    assert odd_words(f"a line\nand {phrase}, too") == said
    assert odd_words(f"a line\n{phrase.upper()}") == said
    assert odd_words("a line\n    # " + phrase.replace(" ", "\n    # ")) == said


def test_parts_of_words_are_no_phrases() -> None:
    assert odd_words("amendments, recommended, commending; to be its own; a maybe it has") == []
