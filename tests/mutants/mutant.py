"""A mutant: one change to one source file that the tests have to notice."""


class Mutant:
    """`text` of `path` with [start, end) replaced by `new`."""

    def __init__(self, kind, path, text, start, end, new, what):
        self.kind = kind
        self.path = path
        self.text = text[:start] + new + text[end:]
        line = text.count("\n", 0, start) + 1
        self.title = f"{path}:{line}: {what}"
        self.proof = None  # that nothing can kill it, where there is one
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        last = len(text) if last < 0 else last
        # The whole lines, so that a reader sees what is meant.
        self.old = " ".join(text[first:last].split())
        self.new = " ".join((text[first:start] + new + text[end:last]).split())
