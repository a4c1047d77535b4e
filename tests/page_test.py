#!/usr/bin/env python3
"""Looks at the page of `gpuconv bench --report` in a real browser.

    tests/page_test.py PROGRAM

Needs Debian's chromium; without it only what the file says is tested, and a message says so. The
browser measures where every word of every figure stands: none may overlap or be cut off, on a wide
screen and on a narrow one, in the light and in the dark.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = "build/gpuconv"
SIZES = ["64x16", "256x64", "1024x256", "4096x1024", "3000x1", "3000x8", "3000x64", "3000x512"]
FIGURES = ["scaling", "crossover", "roofline", "error"]

# Put into a copy of the page; its answer is read from the document that the browser prints.
LOOK = """<script>
const found = {background: getComputedStyle(document.body).backgroundColor,
               width: document.documentElement.scrollWidth - innerWidth, figures: {}};
for (const figure of document.querySelectorAll('figure')) {
  const svg = [...figure.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width)[0];
  const frame = svg.getBoundingClientRect();
  const words = [...svg.querySelectorAll('text')].map(t => [t.textContent,
                                                             t.getBoundingClientRect()]);
  const bad = [];
  for (const [text, box] of words) {
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1) bad.push('cut off: ' + text);
    for (const [other, b] of words) {
      if (text < other && box.left + 1 < b.right && b.left + 1 < box.right &&
          box.top + 4 < b.bottom && b.top + 4 < box.bottom) bad.push(text + ' on ' + other);
    }
  }
  found.figures[figure.id] = {width: frame.width, height: frame.height, words: words.length,
      marks: svg.querySelectorAll('.dot').length, bad: bad,
      colours: [...new Set([...svg.querySelectorAll('.dot')].map(d => getComputedStyle(d).stroke))],
      sentences: figure.querySelector('figcaption').textContent.split(/[.] (?=[A-Z])/).length};
}
const answer = document.createElement('pre');
answer.id = 'answer';
answer.textContent = JSON.stringify(found);
document.body.append(answer);
</script>"""


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        sizes = [word for size in SIZES for word in ("--size", size)]
        subprocess.run([PROGRAM, "bench", *sizes, "--device", "cpu", "--seconds", "0.005",
                        "--report", cls.folder / "new" / "page"], check=True)
        cls.page = cls.folder / "new" / "page" / "index.html"
        cls.html = cls.page.read_text()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_is_one_file_that_needs_nothing_else(self):
        self.assertEqual(sorted(path.name for path in self.page.parent.iterdir()),
                         ["index.html", "ladder.svg"])
        for pattern in (r"<script", r"\bsrc=", r"\bhref=", r"https?://", r"@import", r"url\("):
            self.assertIsNone(re.search(pattern, self.html), pattern)
        self.assertIn("prefers-color-scheme: dark", self.html)

    def test_ladder_is_a_picture_with_a_row_for_each_method(self):
        root = xml.etree.ElementTree.parse(self.page.parent / "ladder.svg").getroot()
        words = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(sum(word.startswith("cpu-") for word in words), 6)
        self.assertIn("cores", words[-1])

    def test_has_every_number_in_its_table(self):
        rows = self.html.count("<tr><td><b>cpu-")
        methods = 6
        self.assertEqual(rows, methods * len(SIZES) + methods)
        self.assertNotIn("WRONG RESULT", self.html)

    def look(self, width, dark=False):
        """What the browser finds on a screen so wide, in pixels."""
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        if chromium is None:
            self.skipTest("chromium is not installed")
        copy = self.folder / "copy.html"
        copy.write_text(self.html.replace("</body>", LOOK + "</body>"))
        result = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={self.folder / 'profile'}", f"--window-size={width},3000",
             *(["--blink-settings=preferredColorScheme=0"] if dark else []), "--dump-dom",
             copy.as_uri()], capture_output=True, text=True, timeout=120)
        answer = re.search(r'<pre id="answer">(.*?)</pre>', result.stdout, re.DOTALL)
        self.assertIsNotNone(answer, result.stderr[-2000:])
        return json.loads(answer[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))

    def check(self, found):
        self.assertEqual(list(found["figures"]), FIGURES)
        self.assertLessEqual(found["width"], 0, "the page is wider than the screen")
        for name, figure in found["figures"].items():
            with self.subTest(name):
                self.assertEqual(figure["bad"], [])
                self.assertGreater(figure["width"], 300)
                self.assertGreater(figure["height"], 200)
                self.assertGreaterEqual(figure["words"], 12)
                self.assertGreaterEqual(figure["marks"], 6)
                self.assertGreaterEqual(len(figure["colours"]), 5)
                self.assertEqual(figure["sentences"], 2)

    def test_shows_each_figure_on_a_wide_screen(self):
        self.check(self.look(1000))

    def test_shows_each_figure_on_a_narrow_screen(self):
        self.check(self.look(500))

    def test_is_dark_in_the_dark(self):
        light, dark = self.look(1000), self.look(1000, dark=True)
        self.check(dark)
        brightness = lambda found: sum(map(int, re.findall(r"\d+", found["background"])[:3]))
        self.assertGreater(brightness(light), 700)
        self.assertLess(brightness(dark), 100)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = sys.argv.pop(1)
    unittest.main()
