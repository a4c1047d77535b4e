"""A mutant: one change to one source file that the tests have to notice."""

import hashlib


class Mutant:
    """`text` of `path` with [start, end) replaced by `new`."""

    def __init__(self, kind, path, text, start, end, new, what):
        self.kind = kind
        self.path = path
        self.what = what
        self.text = text[:start] + new + text[end:]
        self.line = text.count("\n", 0, start) + 1
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        last = len(text) if last < 0 else last
        # The whole lines, so that a reader sees what is meant.
        self.old = " ".join(text[first:last].split())
        self.new = " ".join((text[first:start] + new + text[end:last]).split())

    def key(self):
        """What it changes into what, and not where, so that lines may move."""
        return self.path, self.old, self.new


def name(mutants):
    """Gives every mutant a name that lasts as long as the lines that it changes. Those that make
    the same change in one file are numbered."""
    seen = {}
    for mutant in mutants:
        seen[mutant.key()] = seen.get(mutant.key(), 0) + 1
        text = "\n".join((*mutant.key(), str(seen[mutant.key()])))
        mutant.name = hashlib.sha256(text.encode()).hexdigest()[:10]
    return mutants
