"""Trees of capabilities: from the pack's JSON to values, and the questions a builder asks of them. Pure."""

from collections.abc import Iterator

from riskdb.model.care import AllOf, AnyOf, KOf, Leaf, Tree
from riskdb.model.ids import CapabilityTypeId

DEPTH_MAX = 16  # the deepest honest tree of a pathway has 3; more is a mistake or an attack on the stack


def parse_tree(value: object, depth: int = 0) -> Tree:
    """The tree that JSON states: an id, {"all": [...]}, {"any": [...]} or {"k_of": {"k": n, "of": [...]}}."""
    if depth > DEPTH_MAX:
        raise ValueError(f"tree is deeper than {DEPTH_MAX}")
    if isinstance(value, str) and value:
        return Leaf(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError('a tree is an id, {"all": [...]}, {"any": [...]} or {"k_of": {"k": n, "of": [...]}}')
    ((word, parts),) = value.items()
    if word == "all":
        return AllOf(_parts(parts, depth))
    if word == "any":
        return AnyOf(_parts(parts, depth))
    if word != "k_of" or not isinstance(parts, dict) or set(parts) != {"k", "of"}:
        raise ValueError(f"unknown word {word!r} in a tree")
    of = _parts(parts["of"], depth)
    if type(parts["k"]) is not int or not 1 <= parts["k"] <= len(of):
        raise ValueError(f"k must be 1 to {len(of)}")
    return KOf(parts["k"], of)


def _parts(value: object, depth: int) -> tuple[Tree, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("an empty tree: all, any and k_of take a list of at least one")
    return tuple(parse_tree(part, depth + 1) for part in value)


def tree_document(tree: Tree) -> object:
    """The JSON of a tree, as the pack states it."""
    if isinstance(tree, Leaf):
        return tree.id
    parts = [tree_document(part) for part in tree.parts]
    if isinstance(tree, KOf):
        return {"k_of": {"k": tree.k, "of": parts}}
    return {"all" if isinstance(tree, AllOf) else "any": parts}


def parts_of(tree: Tree) -> tuple[Tree, ...]:
    """The branches of a tree; none of a leaf."""
    return () if isinstance(tree, Leaf) else tree.parts


def leaves(tree: Tree) -> Iterator[CapabilityTypeId]:
    """The capabilities a tree of the pack names, in order, repeated as often as it names them."""
    if isinstance(tree, Leaf):
        yield CapabilityTypeId(tree.id)
    for part in parts_of(tree):
        yield from leaves(part)


def alternatives(tree: Tree) -> Iterator[Tree]:
    """Every branch that stands beside others of which not all are needed: parts of any and of k_of."""
    for part in parts_of(tree):
        if not isinstance(tree, AllOf):
            yield part
        yield from alternatives(part)
