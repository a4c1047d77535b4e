"""From file to file: Response, render and batch, with the options of the command line."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable

import numpy

from . import _gpuconv


def _arguments(options):
    """azimuth=60, dither=False, length="same" as --azimuth=60, --no-dither, --length=same."""
    arguments = []
    for name, value in options.items():
        if name == "dither":
            name, value = "no_dither", not value
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            arguments.append(option)
        elif isinstance(value, (tuple, list)):
            arguments.append(f"{option}={','.join(str(one) for one in value)}")
        else:
            arguments.append(f"{option}={value}")
    return arguments


class Response:
    """The response of a room at two ears.

    samples         (2, K) float32, gain per sample of delay, left ear first
    rate            Hz
    latency_frames  frames of a convolution that lie before time zero: drop so many
    description     what the file says it is
    warnings        what is doubtful about it, a list of str
    replaced        taps that were NaN or infinite and became 0
    """

    def __init__(
        self,
        samples: numpy.ndarray,
        rate: int,
        latency_frames: int = 0,
        description: str = "",
        warnings: Iterable[str] = (),
        replaced: int = 0,
    ):
        self.samples = samples
        self.rate = rate
        self.latency_frames = latency_frames
        self.description = description
        self.warnings = list(warnings)
        self.replaced = replaced

    @classmethod
    def open(
        cls,
        path: str | os.PathLike,
        *,
        azimuth: float | None = None,
        elevation: float | None = None,
        distance: float | None = None,
        measurement: int | None = None,
        emitter: int | None = None,
        receivers: tuple[int, int] | None = None,
        azimuths: str | None = None,
        both_ears: bool = False,
        rate: int | None = None,
        nonfinite: str = "error",
        truncated: str = "error",
        allow_any_format: bool = False,
    ) -> Response:
        """Reads an audio file of 2 channels (left, right), or one measurement of a SOFA file.

        azimuth, elevation  direction of the source in degrees: 0 front, 90 left; 90 above
        distance            of the source in metres, where there are several
        measurement         its number, from 0, instead of a direction
        emitter             loudspeaker, from 0, where there are several
        receivers           (left, right): which receivers are the ears, from 0
        azimuths            "clockwise" or "as-stored", for files whose samples contradict them
        both_ears           both get the channel of a file that has only one
        rate                Hz; the response is converted as `gpuconv render` converts it
        nonfinite           NaN and infinity: "error", or "zero"
        truncated           a file shorter than its header says: "error", or "accept"
        allow_any_format    also formats that are less tested

        Raises gpuconv.FileError (an OSError) if the file cannot be used, and gpuconv.UsageError (a
        ValueError) for choices that do not fit it.
        """
        arguments = _arguments(
            dict(
                azimuth=azimuth,
                elevation=elevation,
                distance=distance,
                measurement=measurement,
                emitter=emitter,
                receivers=receivers,
                azimuths=azimuths,
                both_ears=both_ears,
                nonfinite=nonfinite,
                truncated=truncated,
                allow_any_format=allow_any_format,
            )
        )
        return cls(*_gpuconv.open_response(os.fspath(path), arguments, rate or 0))

    def __repr__(self):
        return f"<gpuconv.Response {self.samples.shape[-1]} taps, {self.rate} Hz>"


def render(
    input: str | os.PathLike,
    response: str | os.PathLike,
    output: str | os.PathLike,
    *,
    dry_run: bool = False,
    progress: Callable[[dict], object] | None = None,
    **options,
) -> dict:
    """Convolves a recording with a response, from file to file, as `gpuconv render` does.

    input     path of a mono recording
    response  path of an audio file of 2 channels, or a SOFA file
    output    path of the stereo recording; its extension chooses the format
    dry_run   everything but the work; `output` stays as it is
    progress  called after each block with a dict: samples so far, all_samples (or None), rate
    options   those of `gpuconv render --help` with _ for -: azimuth=60, gain=-3, norm=-1,
              level="rms=-26", align="direct", early=50, noise="hiss.wav", snr=10,
              length="same", bits=16, dither=False, predelay="20ms", method="cpu-vectorised",
              device="cuda:0", nonfinite="zero", verify=True, no_clobber=True, ...

    Returns the report as a dict, that of `--json`. `output` appears only when it is complete; after
    Ctrl-C, or if `progress` raises, it is what it was. Raises gpuconv.UsageError (a ValueError),
    gpuconv.FileError (an OSError) or gpuconv.GpuError (a RuntimeError).
    """
    report = _gpuconv.render(
        os.fspath(input),
        os.fspath(response),
        os.fspath(output),
        _arguments(options),
        dry_run,
        progress,
    )
    return json.loads(report)


def batch(
    jobs: str | os.PathLike | Iterable[dict],
    folder: str | os.PathLike,
    *,
    response: str | os.PathLike | None = None,
    resume: bool = False,
    progress: Callable[[int, dict], object] | None = None,
    **options,
) -> list[dict]:
    """Renders many recordings in one process, as `gpuconv batch` does.

    jobs      path of a list (.csv, .jsonl, .scp), or an iterable of dicts with the keys input,
              response, output, azimuth, elevation, of which only input is needed
    folder    of the outputs; made if it is absent
    response  path of the response for jobs that do not name one
    resume    only jobs whose output is missing or out of date
    progress  called after each job with (number of jobs so far, the job's result), in the order in
              which jobs are done
    options   as for render(), and those of `gpuconv batch --help`: responses="rooms/*.wav",
              per_input=2, seed=7, directions="random", noise="noise/*.wav", snr="5:20"; a report
              holds what was drawn as "draw", "response" and "noise"

    Returns a list of dicts, in the order of the jobs: input, response, output, status ("done", "complete", "failed"), report
    (a dict, of jobs that are done) and error (of jobs that failed; the others are done all the
    same). What is doubtful about the list as a whole is a warning of Python's, once: columns that
    gpuconv does not know, or inputs of which none is there. Raises as render() does for what is wrong with all jobs. After Ctrl-C the outputs that
    are there are complete.
    """
    results = []
    lines = []

    def in_order():
        return [results[i] for i in sorted(range(len(results)), key=lines.__getitem__)]

    def tell(line, input, response, output, status, words):
        result = {"input": input, "response": response, "output": output, "status": status}
        if status == "done":
            result["report"] = json.loads(words)
        if status == "failed":
            result["error"] = words
        results.append(result)
        lines.append(line)
        if progress is not None:
            progress(len(results), result)

    def warn(words):
        warnings.warn(words, stacklevel=3)

    arguments = _arguments(options)
    if response is not None:
        arguments.append(f"--response={os.fspath(response)}")
    arguments += [f"--output={os.fspath(folder)}"] + ["--resume"] * bool(resume)
    if isinstance(jobs, (str, os.PathLike)):
        _gpuconv.batch([*arguments, "--", os.fspath(jobs)], tell, warn)
        return in_order()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as listed:
        for job in jobs:
            paths = {key: os.fspath(job[key]) for key in ("input", "response", "output") if key in job}
            listed.write(json.dumps({**job, **paths}) + "\n")
        listed.flush()
        _gpuconv.batch([*arguments, "--", listed.name], tell, warn)
    return in_order()


def methods() -> list[dict]:
    """The methods, in the order of the ladder: dicts of name, processor, idea and complexity."""
    return _gpuconv.methods()
