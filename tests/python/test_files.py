"""Response, render and batch: from file to file, as the program does it."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import numpy
import pytest

import gpuconv

PROGRAM = shutil.which("gpuconv", path=sysconfig.get_path("scripts")) or os.environ.get(
    "GPUCONV_PROGRAM"
)
KEMAR = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa"


@pytest.fixture
def folder(tmp_path, sound, wav):
    """voice.wav (9000 samples) and room.wav (400 taps), at 16 kHz."""
    write, _ = wav
    write(tmp_path / "voice.wav", 0.1 * sound(9000))
    write(tmp_path / "room.wav", 0.1 * sound(400, 2))
    return tmp_path


def test_render_has_the_bytes_of_convolve(folder, wav):
    _, read = wav
    report = gpuconv.render(folder / "voice.wav", folder / "room.wav", folder / "wet.wav")
    response = gpuconv.Response.open(folder / "room.wav")
    assert response.rate == 16000 and response.samples.shape == (2, 400)
    x = numpy.ascontiguousarray(read(folder / "voice.wav")[:, 0])
    y = gpuconv.convolve(x, response, method=report["method"]["name"])
    assert numpy.array_equal(read(folder / "wet.wav").T, y)
    assert report["output"]["frames"] == 9399
    assert report["gpuconv"].startswith(gpuconv.__version__)


@pytest.mark.skipif(PROGRAM is None, reason="the program is not installed")
@pytest.mark.parametrize(
    "options, arguments",
    [({}, []), ({"norm": -1, "bits": 16, "dither": False}, ["--norm=-1", "-b16", "--no-dither"]),
     ({"length": "same", "predelay": "20ms", "dry": -6},
      ["--length=same", "--predelay=20ms", "--dry=-6"]),
     ({"level": "rms=-26", "channels": "mono", "align": "direct", "unit_energy": True},
      ["--level=rms=-26", "--channels=mono", "--align=direct", "--unit-energy"])],
)
def test_render_has_the_bytes_of_the_program(folder, options, arguments):
    paths = [folder / "voice.wav", folder / "room.wav"]
    gpuconv.render(*paths, folder / "module.wav", **options)
    subprocess.run([PROGRAM, "render", "-q", *paths, folder / "program.wav", *arguments],
                   check=True)
    assert (folder / "module.wav").read_bytes() == (folder / "program.wav").read_bytes()


def test_a_dry_run_writes_nothing(folder):
    report = gpuconv.render(
        folder / "voice.wav", folder / "room.wav", folder / "wet.wav", dry_run=True
    )
    assert "output" not in report and report["response"]["taps"] == 400
    assert not (folder / "wet.wav").exists()


def test_what_fails_leaves_no_file(folder):
    paths = folder / "voice.wav", folder / "room.wav", folder / "wet.wav"
    before = sorted(os.listdir(folder))

    def stop(so_far):
        assert so_far["rate"] == 16000 and so_far["all_samples"] == 9000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gpuconv.render(*paths, progress=stop)
    with pytest.raises(gpuconv.FileError, match="none.wav"):
        gpuconv.render(folder / "none.wav", *paths[1:])
    with pytest.raises(gpuconv.UsageError, match="bits"):
        gpuconv.render(*paths, bits=17)
    with pytest.raises(gpuconv.UsageError, match="loudness"):
        gpuconv.render(*paths, loudness=3)
    assert sorted(os.listdir(folder)) == before


def test_a_real_interrupt_leaves_no_file(folder, sound, wav):
    write, _ = wav
    write(folder / "long.wav", 0.1 * sound(2_000_000))
    code = (
        "import gpuconv, signal, os\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background shell ignores it
        "def stop(so_far): os.kill(os.getpid(), signal.SIGINT)\n"
        "try: gpuconv.render('long.wav', 'room.wav', 'wet.wav', progress=stop)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.stdout == "interrupted\n", done.stderr
    assert not (folder / "wet.wav").exists()
    assert sorted(os.listdir(folder)) == ["long.wav", "room.wav", "voice.wav"]


def test_batch(folder):
    seen = []
    jobs = [
        {"input": folder / "voice.wav", "output": "a.wav"},
        {"input": folder / "none.wav", "output": "b.wav"},
        {"input": folder / "voice.wav", "output": "c.wav"},
    ]
    results = gpuconv.batch(
        jobs, folder / "wet", response=folder / "room.wav",
        progress=lambda done, result: seen.append((done, result["status"])),
    )
    # What cannot be opened is known before the work.
    assert seen == [(1, "failed"), (2, "done"), (3, "done")]
    assert [result["status"] for result in results] == ["done", "failed", "done"]
    assert "none.wav" in results[1]["error"]
    assert results[2]["report"]["output"]["frames"] == 9399
    gpuconv.render(folder / "voice.wav", folder / "room.wav", folder / "one.wav",
                   method=results[0]["report"]["method"]["name"])
    assert (folder / "wet/a.wav").read_bytes() == (folder / "one.wav").read_bytes()
    again = gpuconv.batch(jobs[:1], folder / "wet", response=folder / "room.wav", resume=True)
    assert [result["status"] for result in again] == ["complete"]


def test_batch_warns_of_a_list(folder, monkeypatch):
    (folder / "list.csv").write_text(f"input,start\n{folder}/voice.wav,1\n")
    with pytest.warns(UserWarning, match="column start on to the results; .* offset"):
        gpuconv.batch(folder / "list.csv", folder / "wet", response=folder / "room.wav")
    (folder / "list.csv").write_text("input\nvoice.wav\n")
    monkeypatch.chdir("/")
    with pytest.warns(UserWarning, match="use --paths list"):
        results = gpuconv.batch(folder / "list.csv", folder / "wet", response=folder / "room.wav")
    assert results[0]["status"] == "failed"


def test_batch_of_a_list(folder):
    (folder / "list.csv").write_text(f"input,output\n{folder}/voice.wav,x.wav\n")
    results = gpuconv.batch(folder / "list.csv", folder / "wet", response=folder / "room.wav")
    assert results[0]["status"] == "done" and (folder / "wet/x.wav").exists()
    with pytest.raises(gpuconv.FileError, match="missing.csv"):
        gpuconv.batch(folder / "missing.csv", folder / "wet")
    with pytest.raises(KeyError):
        gpuconv.batch(folder / "list.csv", folder / "wet", response=folder / "room.wav",
                      progress=lambda done, result: {}["stop"])


@pytest.mark.skipif(not pathlib.Path(KEMAR).exists(), reason="libmysofa1 is not installed")
def test_a_direction_of_a_sofa_file():
    left = gpuconv.Response.open(KEMAR, azimuth=90)
    assert left.rate == 44100
    ears = numpy.abs(left.samples).max(axis=1)
    assert ears[0] > 2 * ears[1]
    assert gpuconv.Response.open(KEMAR, azimuth=90, rate=16000).rate == 16000
    with pytest.raises(gpuconv.Error):
        gpuconv.Response.open(KEMAR, measurement=10**6)


def test_response_errors(folder, wav, sound):
    write, _ = wav
    with pytest.raises(gpuconv.UsageError, match="azimuth"):
        gpuconv.Response.open(folder / "room.wav", azimuth=3)
    with pytest.raises(OSError, match="1 channel"):
        gpuconv.Response.open(folder / "voice.wav")


def test_selftest():
    done = subprocess.run([sys.executable, "-m", "gpuconv.selftest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cpu-vectorised" in done.stdout and "FAILED" not in done.stdout
