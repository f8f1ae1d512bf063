"""Parses Swift on standard input, and says where it is not Swift."""

import sys

import tree_sitter
import tree_sitter_swift


def wrong(node):
    """Yields the nodes at which the parser has not understood the source."""
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from wrong(child)


source = sys.stdin.buffer.read()
tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language())).parse(source)
for node in wrong(tree.root_node):
    line, column = node.start_point
    print(f"line {line + 1}, column {column + 1}: {node.text[:60]!r}", file=sys.stderr)
if tree.root_node.has_error or not tree.root_node.children:
    sys.exit(1)
