#!/usr/bin/env python3
"""Compares manual pages and completions with what `gpuconv COMMAND --help` says, and tries them.

    tests/help_test.py BUILD

BUILD is a build folder: BUILD/gpuconv and BUILD/pages. What needs groff, zsh or fish is skipped
where these are not installed.
"""

import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path("build")
# A name of an option as the help prints it, at the start of a line.
NAME = re.compile(r"(?<![\w-])--?[a-z][\w-]*")


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def helps():
    """Commands of the program, and the names of their options, as the help prints them."""
    commands = re.findall(r"^  (\w+)  ", output(BUILD / "gpuconv", "--help"), re.M)
    options = {}
    for command in commands:
        text = output(BUILD / "gpuconv", command, "--help")
        lines = re.findall(r"^  (-.*?)(?:   *|\n)", text, re.M)
        options[command] = {name for line in lines for name in NAME.findall(line)}
    return options


class Terminal:
    """A shell on a terminal."""

    def __init__(self, command, folder):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, dict(os.environ, TERM="dumb", COLUMNS="200"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)

    def send(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, text, seconds=20):
        """Reads until `text` stands there."""
        said = ""
        end = time.monotonic() + seconds
        while text not in said:
            if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{text!r} is not in {said!r}")
            said += os.read(self.terminal, 4096).decode(errors="replace")


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"no {program} here")


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.options = helps()
        cls.pages = BUILD / "pages"

    def test_the_help_was_understood(self):
        self.assertEqual(set(self.options) >= {"render", "batch", "bench", "info"}, True)
        self.assertTrue({"-h", "--help", "-m", "--method", "--norm", "--no-progress"} <=
                        self.options["render"], self.options["render"])

    def manual(self, name):
        return (self.pages / "man1" / f"{name}.1").read_text().replace("\\-", "-")

    def test_each_command_has_a_manual_page_with_all_of_its_options(self):
        pages = {path.name for path in (self.pages / "man1").iterdir()}
        self.assertEqual(pages, {"gpuconv.1"} | {f"gpuconv-{name}.1" for name in self.options})
        overview = self.manual("gpuconv")
        for command, names in self.options.items():
            self.assertIn(f"\\fB{command}\\fR", overview)
            page = self.manual(f"gpuconv-{command}")
            described = set(re.findall(r"\\fB(--?[\w-]+)\\fR", page))
            self.assertEqual(described, names, command)

    def test_values_with_a_default_name_it(self):
        self.assertIn("auto (default auto)", self.manual("gpuconv-render").replace("\n", " "))

    @needs("groff")
    def test_groff_has_nothing_to_say(self):
        for page in sorted((self.pages / "man1").iterdir()):
            said = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], check=True,
                                  capture_output=True, text=True).stderr
            self.assertEqual(said, "", page)

    @needs("mandoc")
    def test_mandoc_has_nothing_to_say(self):
        for page in sorted((self.pages / "man1").iterdir()):
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page],
                                  capture_output=True, text=True).stdout
            # The date of a page that belongs to a version says nothing.
            said = [line for line in said.splitlines() if "missing date" not in line]
            self.assertEqual(said, [], page)

    # --- bash ---------------------------------------------------------------------------------

    def bash(self, line):
        """Completes the last word of `line`, which bash would split as COMP_WORDBREAKS says."""
        words = []
        for word in shlex.split(line) + ([""] if line.endswith(" ") else []):
            parts = re.split("(=)", word) if word.startswith("-") else [word]
            words += [part for part in parts if part or part == word]
        script = (f"source {shlex.quote(str(self.pages / 'bash/gpuconv'))}; complete -p gpuconv "
                  f">/dev/null || exit 1; COMP_WORDS=({' '.join(map(shlex.quote, words))}); "
                  f"COMP_CWORD={len(words) - 1}; _gpuconv; "
                  "[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"")
        return set(output("bash", "-c", script, cwd=self.folder).splitlines())

    def bash_words(self, line):
        """As bash(), where words come back quoted for the command line."""
        return {shlex.split(word)[0] for word in self.bash(line)}

    def setUp(self):
        self.pages = self.pages.resolve()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "a room.wav").touch()
        (self.folder / "a folder").mkdir()

    def test_bash_completes_every_option_of_every_command(self):
        self.assertEqual(self.bash("gpuconv "), set(self.options))
        self.assertEqual(self.bash("gpuconv ba"), {"batch"})
        self.assertEqual(self.bash("gpuconv help "), set(self.options))
        self.assertEqual(self.bash("gpuconv --v"), {"--version"})
        for command, names in self.options.items():
            self.assertEqual(self.bash(f"gpuconv {command} -"), names, command)
        self.assertEqual(self.bash("gpuconv render --nonf"), {"--nonfinite"})

    def methods(self):
        table = output(BUILD / "gpuconv", "methods")
        return set(re.findall(r"^((?:cpu|gpu)-[\w-]+)  ", table, re.M))

    def test_bash_completes_values(self):
        self.assertTrue(len(self.methods()) > 5)
        self.assertEqual(self.bash("gpuconv render -m "), self.methods() | {"auto"})
        self.assertEqual(self.bash("gpuconv bench -m "), self.methods())
        self.assertEqual(self.bash("gpuconv render --method=cpu-na"), {"cpu-naive"})
        self.assertEqual(self.bash("gpuconv render --method="), self.methods() | {"auto"})
        self.assertEqual(self.bash("gpuconv render a b c -b "), {"16", "24", "32"})
        self.assertEqual(self.bash("gpuconv render --nonfinite z"), {"zero"})
        self.assertEqual(self.bash("gpuconv batch --device cu"), {"cuda"})
        self.assertEqual(self.bash("gpuconv bench la"), {"ladder"})
        self.assertTrue(self.bash_words("gpuconv bench --problem ") >= {"head", "2^3 taps"})
        self.assertEqual(self.bash("gpuconv render --gain "), set())
        self.assertEqual(self.bash("gpuconv methods "), set())

    def test_bash_completes_files_and_folders(self):
        both = {"a room.wav", "a folder"}
        self.assertEqual(self.bash("gpuconv render "), both)
        self.assertEqual(self.bash("gpuconv render x 'a r'"), {"a room.wav"})
        self.assertEqual(self.bash("gpuconv render --json "), both)
        self.assertEqual(self.bash("gpuconv batch list.csv -o "), {"a folder"})
        # Its value comes after a "=" only: here a file follows.
        self.assertEqual(self.bash("gpuconv render --norm "), both)
        self.assertEqual(self.bash("gpuconv render --norm="), set())

    # --- zsh and fish -------------------------------------------------------------------------

    def names_in(self, text):
        return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))

    def test_zsh_knows_every_option_of_every_command(self):
        script = (self.pages / "zsh/_gpuconv").read_text()
        self.assertTrue(script.startswith("#compdef gpuconv\n"))
        for command, names in self.options.items():
            found = re.search(rf"^    {command}\)\n(.*?);;\n", script, re.M | re.S).group(1)
            specs = re.findall(r"^ +'[*(][^']*'(--?[\w-]+?)(?:=-|[=+])?'\[", found, re.M)
            self.assertEqual(set(specs), names, command)
        self.assertIn(":METHOD:(" + " ".join(re.findall(
            r"^((?:cpu|gpu)-[\w-]+)  ", output(BUILD / "gpuconv", "methods"), re.M)) + " auto)",
            script)

    @needs("zsh")
    def test_zsh_reads_its_completion(self):
        # In a function of compsys with _arguments replaced: it shows what would be offered.
        script = self.pages / "zsh/_gpuconv"
        output("zsh", "-n", script)
        said = output("zsh", "-fc", f"""
            _arguments() {{
              if [[ $1 == -C ]]; then state=argument; words=(render); return 1; fi
              print -rl -- "$@"
            }}
            source {shlex.quote(str(script))}""")
        names = set(re.findall(r"^[*(].*?[*)](--?[\w-]+?)(?:=-|[=+])?\[", said, re.M))
        self.assertEqual(names, self.options["render"])
        self.assertRegex(said, r"(?m)^2:RESPONSE:_files$")

    @needs("zsh")
    def test_zsh_completes(self):
        with Terminal(["zsh", "-f", "-i"], self.folder) as zsh:
            zsh.send(f"fpath=({shlex.quote(str(self.pages / 'zsh'))} $fpath); PS1='> '\n")
            zsh.send("autoload -U compinit; compinit -u -D; print rea''dy\n")
            zsh.wait_for("ready\r")
            for line, rest in {"gpuconv rend": "render", "gpuconv render --nonf": "--nonfinite",
                               "gpuconv render --nonfinite=z": "zero", "gpuconv bench lad": "ladder",
                               "gpuconv render -m cpu-n": "cpu-naive", "gpuconv render a": "a\\ ",
                               "gpuconv bench --problem 2^3": "taps"}.items():
                zsh.send(line + "\t")
                zsh.wait_for(rest)
                zsh.send("\x15")

    @needs("bash")
    def test_bash_completes_on_a_terminal(self):
        with Terminal(["bash", "--norc", "-i"], self.folder) as bash:
            bash.send(f"source {shlex.quote(str(self.pages / 'bash/gpuconv'))}; echo rea''dy\n")
            bash.wait_for("ready\r")
            for line, rest in {"gpuconv rend": "render ", "gpuconv render a\\ r": "a\\ room.wav",
                               "gpuconv render --nonfinite=z": "zero ",
                               "gpuconv bench --problem hour\\ at\\ 16": "kHz"}.items():
                bash.send(line + "\t")
                bash.wait_for(rest)
                bash.send("\x15")

    def test_fish_knows_every_option_of_every_command(self):
        script = (self.pages / "fish/gpuconv.fish").read_text()
        for command, names in self.options.items():
            lines = re.findall(rf"seen_subcommand_from {command}'(.*) -d ", script)
            found = {"-" + name for line in lines for name in re.findall(r" -s (\w)(?= )", line + " ")}
            found |= {"--" + name for line in lines for name in re.findall(r" -l ([\w-]+)", line)}
            self.assertEqual(found, names, command)

    @needs("fish")
    def test_fish_completes(self):
        script = self.pages / "fish/gpuconv.fish"

        def complete(line):
            said = output("fish", "--no-config", "-c", f"source {shlex.quote(str(script))}; "
                          f"complete -C {shlex.quote(line)}", cwd=self.folder)
            return {words.split("\t")[0] for words in said.splitlines()}

        self.assertEqual(complete("gpuconv "), set(self.options))
        self.assertEqual(complete("gpuconv render -m "), self.methods() | {"auto"})
        self.assertEqual(complete("gpuconv render --nonfinite z"), {"zero"})
        self.assertEqual(complete("gpuconv bench la"), {"ladder"})
        self.assertTrue(complete("gpuconv bench --problem ") >= {"head", "2^3 taps"})
        self.assertEqual(complete("gpuconv batch list.csv -o "), {"a folder/"})
        self.assertEqual(complete("gpuconv render a\\ r"), {"a room.wav"})
        for command, names in self.options.items():
            long_names = {name for name in names if name.startswith("--")}
            self.assertEqual({name for name in complete(f"gpuconv {command} --")}, long_names)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
