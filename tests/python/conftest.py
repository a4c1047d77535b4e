"""Signals and files that the tests share."""

import pathlib
import struct

import numpy
import pytest


@pytest.fixture
def sound():
    """noise(*shape): float32 noise, another one at each call."""
    random = numpy.random.default_rng(1)
    return lambda *shape: random.standard_normal(shape).astype(numpy.float32)


def write_wav(path, frames, rate=16000):
    """frames (n, channels) as a WAV file of 32-bit floats."""
    frames = numpy.asarray(frames, "<f4")
    if frames.ndim == 1:
        frames = frames[:, None]
    channels = frames.shape[1]
    data = frames.tobytes()
    head = struct.pack("<HHIIHH", 3, channels, rate, 4 * channels * rate, 4 * channels, 32)
    pathlib.Path(path).write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", len(data)) + data
    )


def read_wav(path):
    """(n, channels) float32 of a WAV file of 32-bit floats."""
    content = pathlib.Path(path).read_bytes()
    channels = struct.unpack_from("<H", content, content.index(b"fmt ") + 10)[0]
    begin = content.index(b"data") + 8
    size = struct.unpack("<I", content[begin - 4 : begin])[0]
    return numpy.frombuffer(content[begin : begin + size], "<f4").reshape(-1, channels)


@pytest.fixture
def wav():
    return write_wav, read_wav
