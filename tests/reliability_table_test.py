#!/usr/bin/env python3
"""Tries to fool tests/reliability_table.py."""

import unittest

import reliability_table as table

KNOWN = {"Suite.Works", "Suite.Fails"}


def whole():
    return {number: "`Suite.Works`" for number in table.ROWS}


class ReliabilityTable(unittest.TestCase):

    def problems(self, **changed):
        rows = whole()
        rows.update({int(number.strip("_")): tests for number, tests in changed.items()})
        return table.problems_of(rows, KNOWN)

    def test_accepts_rows_with_tests(self):
        self.assertEqual(self.problems(_3="`Suite.Works` `Suite.Fails`"), [])

    def test_misses_a_row(self):
        rows = whole()
        del rows[17]
        self.assertEqual(table.problems_of(rows, KNOWN), ["row 17 is missing"])

    def test_finds_a_row_that_nobody_asked_for(self):
        self.assertEqual(len(self.problems(_66="`Suite.Works`")), 1)

    def test_finds_a_test_that_does_not_exist(self):
        self.assertIn("Suite.Gone", self.problems(_9="`Suite.Works` `Suite.Gone`")[0])

    def test_finds_a_row_without_tests_or_with_words_instead(self):
        for tests in ("", "later", "open", "`Suite.Works` and more"):
            self.assertEqual(len(self.problems(_9=tests)), 1, tests)

    def test_refuses_a_row_twice(self):
        line = "| 1 | wrong | done | `Suite.Works` |\n"
        self.assertEqual(table.rows_of(line), {1: "`Suite.Works`"})
        with self.assertRaises(ValueError):
            table.rows_of(2 * line)


if __name__ == "__main__":
    unittest.main()
