"""What the name of a kernel of gpu-fourstep or gpu-fused says: BlockShape (block_fft.cuh) again.

The same arithmetic a second time, on purpose: .ci/kernels holds what the compiler made against it.
"""

import math
import re


class Kernel:
    """One instantiation, by its mangled name; None of them for other kernels: Kernel.of()."""

    def __init__(self, kind, lanes, radices, per_thread=16):
        self.kind, self.lanes, self.radices, self.per_thread = kind, lanes, radices, per_thread

    @staticmethod
    def of(mangled):
        shape = re.search(r"BlockShapeILi(\d+)ELi(\d+)EJ((?:Li\d+E)+)E", mangled)
        pass_ = re.search(r"(columns_forward|columns_inverse|spectrum|inverse|"
                          r"convolve(?:_with_responses)?)_kernel", mangled)
        if not shape or not pass_:
            return None
        lanes, per_thread = int(shape[1]), int(shape[2])
        radices = tuple(map(int, re.findall(r"Li(\d+)E", shape[3])))
        kind = pass_[1]
        if not kind.startswith("columns"):
            items = "items_" if "FusedItems" in mangled else ""  # of voices
            kind = {1: "fused_", 2: "rows_"}.get(lanes, "groups_") + items + kind
        return Kernel(kind, lanes, radices, per_thread)

    @property
    def name(self):
        wide = "" if self.per_thread == 16 else "wide "
        return f"{wide}{self.kind}<{self.lanes}, {', '.join(map(str, self.radices))}>"

    @property
    def length(self):
        return math.prod(self.radices)

    @property
    def elements(self):
        return self.length * self.lanes

    @property
    def shared_bytes(self):
        return 8 * self.elements

    @property
    def threads(self):
        return min(512, (self.elements // self.per_thread + 31) // 32 * 32)

    @property
    def promised_blocks(self):
        """Per multiprocessor, as __launch_bounds__ has it."""
        return (512 + self.threads // 2) // self.threads

    @property
    def is_turned(self):
        """Has a quarter turn in its first stage: what takes real samples, so all but the rows."""
        return not self.is_rows

    @property
    def is_rows(self):
        return self.kind.startswith(("rows", "groups"))

    @property
    def together(self):
        """Segments of a block: RowGroups (rows.cu)."""
        return self.lanes // 2 if self.is_rows else 1

    def width(self, stage):
        return 2 if self.per_thread >= 16 and self.lanes > 1 and self.radices[stage] <= 12 else 1

    def butterflies(self, stage):
        return self.elements // self.radices[stage] // self.width(stage)

    def repeats(self, stage):
        """Butterflies of a stage that the busiest thread does."""
        return math.ceil(self.butterflies(stage) / self.threads)

    def rounds(self, stage):
        """The same of all warps together: one without a butterfly goes on at once."""
        left = [self.butterflies(stage) - done * self.threads for done in range(self.repeats(stage))]
        return sum(math.ceil(min(count, self.threads) / 32) for count in left)

    def twiddles(self, stage):
        """That one butterfly of the stage loads: one for two conjugates."""
        if stage == len(self.radices) - 1:
            return 0
        return self.radices[stage] // (1 if self.is_turned and stage == 0 else 2)

    def is_mirrored(self, stage):
        """Is done in two halves, with code of their own: the second takes the first one's twiddles."""
        return stage == 0 and self.is_turned and self.lanes == 1 and self.length >= 8192

    def offsets(self, stage):
        """That the table of a stage has twiddles for."""
        stride = math.prod(self.radices[stage + 1:])
        return stride // 2 + 1 if self.is_mirrored(stage) else stride

    def passes(self):
        """Transforms, in order: True for a forward one."""
        return {"columns_forward": [True], "columns_inverse": [False], "rows_spectrum": [True],
                "fused_spectrum": [True], "fused_items_spectrum": [True],
                "rows_inverse": [False], "fused_inverse": [False], "rows_convolve": [True, False, False],
                "fused_convolve": [True, False, False],
                "groups_convolve": [True, False, False],
                "rows_convolve_with_responses": [True, True, False, True, False]}[self.kind]
