import sqlite3

import pytest

from quotes.journal import Journal, Quote


def quote(number: int) -> Quote:
    return Quote(number=number, symbol="TEA", price="4.50")


def test_two_processes_write_the_same_quotes_and_each_is_there_once(tmp_path):
    blue, green = (Journal(tmp_path / "quotes.db", kept=100) for _ in range(2))
    for number in (1, 2, 3):
        blue.add(quote(number))
        green.add(quote(number))
    assert [one.number for one in green.since(1, 10)] == [2, 3]
    assert (blue.count(), blue.last()) == (3, 3)


def test_it_outlives_its_process(tmp_path):
    first = Journal(tmp_path / "quotes.db", kept=100)
    first.add(quote(7))
    first.close()
    assert Journal(tmp_path / "quotes.db", kept=100).since(0, 10) == [quote(7)]


def test_only_the_newest_are_kept(tmp_path):
    journal = Journal(tmp_path / "quotes.db", kept=3)
    for number in range(10):
        journal.add(quote(number))
    journal.prune()
    assert [one.number for one in journal.since(-1, 10)] == [7, 8, 9]


def test_a_file_that_is_no_journal_is_not_written_over(tmp_path):
    file = tmp_path / "quotes.db"
    file.write_text("shopping list " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Journal(file, kept=1)
    assert file.read_text().startswith("shopping list")
