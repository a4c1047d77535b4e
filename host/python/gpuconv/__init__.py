"""gpuconv: long recordings in measured rooms, convolved for two ears on a CPU or a GPU."""

from ._gpuconv import Error, FileError, GpuError, UsageError, __version__
from ._plan import Plan, Stream, convolve

__all__ = [
    "Error",
    "FileError",
    "GpuError",
    "Plan",
    "Stream",
    "UsageError",
    "__version__",
    "convolve",
]
