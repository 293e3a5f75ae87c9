"""Which routes could match a path: a trie of path segments.

A step is a literal segment, a parameter (any single segment that is not empty), a tail (everything that
follows, possibly nothing, slashes included) or a rest (only its entry can decide). Most paths can only take
one way: `Trie.end_of` follows it with one dictionary look-up per segment. If there are several ways,
`Trie.candidates` walks them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

# Steps that are not literals: a literal segment contains no slash.
PARAMETER: Final = "/"
REST: Final = "//"
TAIL: Final = "///"

_Entry = TypeVar("_Entry")
_Leaf = TypeVar("_Leaf")


class Node(Generic[_Entry, _Leaf]):
    """A place in the trie: the entries that end here, and those that may take what follows.

    `inherited` are the tails further up: they match here as well. `leaf` is the place of the trie's owner
    for what it makes of all that match here.
    """

    __slots__ = (
        "ends",
        "inherited",
        "leaf",
        "literals",
        "one_way",
        "otherwise",
        "parameter",
        "rests",
        "tails",
    )

    def __init__(self) -> None:
        # Shared until something is put in: most nodes have one child, or none. It is most of their memory.
        self.literals: dict[str, Node[_Entry, _Leaf]] = _NOTHING
        self.parameter: Node[_Entry, _Leaf] | None = None
        self.ends: list[_Entry] = _NO_ENTRIES
        self.tails: list[_Entry] = _NO_ENTRIES
        self.rests: list[_Entry] = _NO_ENTRIES
        self.inherited: list[_Entry] = _NO_ENTRIES
        self.leaf: _Leaf | None = None
        # Where each segment leads if it can take one way alone, and where all others do.
        self.one_way: dict[str, Node[_Entry, _Leaf]] = _NOTHING
        self.otherwise: Node[_Entry, _Leaf] = self

    def child(self, step: str) -> Node[_Entry, _Leaf]:
        """The node after that step, made if need be."""
        if step == PARAMETER:
            if self.parameter is None:
                self.parameter = Node()
            return self.parameter
        if self.literals is _NOTHING:
            self.literals = {}
        return self.literals.setdefault(step, Node())

    def children(self) -> list[Node[_Entry, _Leaf]]:
        """The nodes one step further."""
        nodes = [*self.literals.values()]
        return nodes if self.parameter is None else [*nodes, self.parameter]

    def seal(self, nowhere: Node[_Entry, _Leaf]) -> None:
        """Note which segments can take one way alone; `nowhere` is where nothing but tails can match."""
        if self.parameter is not None:
            # The parameter would match a literal as well, unless the segment is empty.
            self.one_way = _NOT_EMPTY
            if self.literals:
                self.one_way = dict.fromkeys(["", *self.literals], _ELSEWHERE)
            self.otherwise = _way_into(self.parameter)
            return
        self.otherwise = nowhere
        ways = {segment: _way_into(node) for segment, node in self.literals.items() if node.rests}
        self.one_way = {**self.literals, **ways} if ways else self.literals


_NOTHING: Final[dict[str, Any]] = {}
_NO_ENTRIES: Final[list[Any]] = []
# Where nothing ends, and where all that needs a second look is led.
_ELSEWHERE: Final[Node[Any, Any]] = Node()
_NOT_EMPTY: Final = {"": _ELSEWHERE}


def _under_tails(tails: list[_Entry]) -> Node[_Entry, Any]:
    node: Node[_Entry, Any] = Node()
    node.inherited = tails
    return node


def _way_into(node: Node[_Entry, _Leaf]) -> Node[_Entry, _Leaf]:
    return _ELSEWHERE if node.rests else node


def _with(entries: list[_Entry], entry: _Entry) -> list[_Entry]:
    if entries is _NO_ENTRIES:
        return [entry]
    entries.append(entry)
    return entries


class Trie(Generic[_Entry, _Leaf]):
    """Entries by the steps of their paths. To be sealed when all are in.

    `start` is where the one way starts, `depth` the number of segments that are looked at.
    """

    def __init__(self) -> None:
        self._root: Node[_Entry, _Leaf] = Node()
        self.start = self._root
        self.depth = 0

    def add(self, trail: Iterable[str], entry: _Entry) -> None:
        """Add an entry at the end of its trail, where REST and TAIL are the last step."""
        node = self._root
        for depth, step in enumerate(trail, 1):
            if step == REST:
                node.rests = _with(node.rests, entry)
                return
            if step == TAIL:
                node.tails = _with(node.tails, entry)
                return
            node = node.child(step)
            self.depth = max(self.depth, depth)
        node.ends = _with(node.ends, entry)

    def seal(self) -> None:
        """Make it ready to be asked."""
        pending = [(self._root, _ELSEWHERE)]
        while pending:
            node, nowhere = pending.pop()
            if node.tails:
                nowhere = _under_tails([*nowhere.inherited, *node.tails])
            node.seal(nowhere)
            for child in node.children():
                child.inherited = nowhere.inherited
                pending.append((child, nowhere))
        self.start = _way_into(self._root)

    def end_of(self, path: str) -> Node[_Entry, _Leaf]:
        """The node where the path ends, if it can take one way alone; else one where nothing ends."""
        node = self.start
        # No segment beyond the deepest entry is looked at, however many there are.
        for segment in path.split("/", self.depth):
            node = node.one_way.get(segment, node.otherwise)
        return node

    def candidates(self, path: str) -> list[_Entry]:
        """The entries that end where the path can, and those that take whatever follows theirs; no order.

        No node is visited twice, so that overlapping patterns cost at most what a scan of them does.
        """
        segments = path.split("/", self.depth)
        found: list[_Entry] = []
        pending = [(self._root, 0)]
        while pending:
            node, depth = pending.pop()
            found += node.rests
            found += node.tails
            if depth == len(segments):
                found += node.ends
                continue
            segment = segments[depth]
            if segment and node.parameter is not None:
                pending.append((node.parameter, depth + 1))
            literal = node.literals.get(segment)
            if literal is not None:
                pending.append((literal, depth + 1))
        return found
