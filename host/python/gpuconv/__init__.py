"""gpuconv: long recordings in measured rooms, convolved for two ears on a CPU or a GPU."""

import os
import sysconfig

from ._files import Response, batch, methods, render
from ._gpuconv import Error, FileError, GpuError, UsageError, __version__
from ._plan import Plan, Stream, convolve, mix

__all__ = [
    "Error",
    "FileError",
    "GpuError",
    "Plan",
    "Response",
    "Stream",
    "UsageError",
    "__version__",
    "batch",
    "convolve",
    "methods",
    "mix",
    "render",
]


def _name_sofa_reader():
    """gpuconv-sofa reads SOFA files in a process of its own; a wheel brings it."""
    for scheme in (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")):
        folder = sysconfig.get_path("data", scheme)
        path = os.path.join(folder, "libexec", "gpuconv", "gpuconv-sofa")
        if os.path.exists(path):
            os.environ.setdefault("GPUCONV_SOFA_READER", path)


_name_sofa_reader()
del _name_sofa_reader
