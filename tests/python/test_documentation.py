"""The code of docs/python.md, docs/batch.md, the README and the notebook runs as it stands."""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

import gpuconv

ROOT = pathlib.Path(__file__).parent.parent.parent


def code_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


@pytest.mark.parametrize("page", ["docs/python.md", "README.md"])
def test_page(page, tmp_path, sound, wav):
    write, _ = wav
    write(tmp_path / "voice.wav", 0.1 * sound(9000))
    write(tmp_path / "room.wav", 0.1 * sound(400, 2))
    blocks = code_of(page)
    assert blocks
    names = {}
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        for block in blocks:
            needed = re.match(r"# needs (\w+)", block)
            if needed and importlib.util.find_spec(needed[1]) is None:
                continue
            exec(compile(block, page, "exec"), names)
    finally:
        os.chdir(before)


def test_ray(tmp_path, sound, wav):
    """Two actors of Ray give the samples of gpuconv.render()."""
    pytest.importorskip("ray.data")
    soundfile = pytest.importorskip("soundfile")
    write, _ = wav
    os.mkdir(tmp_path / "clips")
    for i in range(5):
        write(tmp_path / f"clips/{i}.wav", 0.1 * sound(5000 + 700 * i))
    write(tmp_path / "room.wav", 0.1 * sound(400, 2))
    (code,) = code_of("docs/batch.md")
    program = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert program.stdout.splitlines()[-1] == "5 clips"
    for i in range(5):
        clip, expected = tmp_path / f"clips/{i}.wav", tmp_path / f"{i}.wav"
        gpuconv.render(clip, tmp_path / "room.wav", expected, method="cpu-vectorised")
        samples = [soundfile.read(path, dtype="float32")[0] for path in (tmp_path / f"wet/{i}.wav", expected)]
        assert numpy.array_equal(*samples)


def test_notebook(monkeypatch, tmp_path):
    """profiling/ladder.ipynb with small sizes, a cell after the other."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.setenv("GPUCONV_NOTEBOOK", "small")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((ROOT / "profiling/ladder.ipynb").read_text())
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "ladder.ipynb", "exec"), names)
