from collections import Counter
from itertools import chain

import numpy as np
import pytest

from lib.data import digits, federalist, temperatures


def test_every_day_is_there_once():
    dates, celsius = temperatures()
    assert dates.dtype == np.dtype("datetime64[D]")
    assert celsius.dtype == float
    np.testing.assert_array_equal(dates, np.arange("2012-01-01", "2016-01-01", dtype="datetime64[D]"))
    assert celsius.shape == dates.shape == (1461,)


@pytest.mark.parametrize(
    "day, expected",
    [  # as NOAA publishes them for the station
        ("2014-01-01", 7.2),
        ("2014-01-02", 10.6),
        ("2014-01-03", 8.9),
    ],
)
def test_known_days(day, expected):
    dates, celsius = temperatures()
    assert celsius[dates == np.datetime64(day)] == [expected]


def test_it_is_a_climate_in_degrees_celsius():
    dates, celsius = temperatures()
    month = dates.astype("datetime64[M]").astype(int) % 12 + 1
    means = np.array([celsius[month == m].mean() for m in range(1, 13)])
    assert np.isfinite(celsius).all()
    assert celsius.min() > -10 and celsius.max() < 40
    assert 6 < means.min() < 10 and 24 < means.max() < 28
    assert means.argmin() + 1 in (12, 1, 2) and means.argmax() + 1 in (7, 8)


def test_each_call_gives_arrays_of_its_own():
    _, first = temperatures()
    first[:] = 0
    assert temperatures()[1].any()


def test_the_federalist_is_whole():
    papers, authors, sentences = federalist()
    assert papers.shape == authors.shape == (len(sentences),) == (2801,)
    assert (np.diff(papers) >= 0).all()
    count = {name: (len(set(papers[authors == name])), sum(authors == name)) for name in set(authors)}
    assert count == {"Hamilton": (17, 1051), "Madison": (14, 1056), "disputed": (12, 694)}


def test_words_come_once_each_and_in_two_sentences_at_least():
    _, authors, sentences = federalist()
    assert all(words == sorted(set(words)) and words for words in sentences)
    assert all(word.isalpha() and word.islower() for words in sentences for word in words)
    known = Counter(chain.from_iterable(s for s, author in zip(sentences, authors) if author != "disputed"))
    assert len(known) == 3487 and min(known.values()) == 2
    assert set().union(*sentences) == set(known)


@pytest.mark.parametrize(
    "number, author, words",
    [  # from well-known sentences
        (10, "Madison", {"liberty", "is", "to", "faction", "what", "air", "fire", "an", "without", "it"}),
        (51, "disputed", {"if", "men", "were", "no", "government", "would", "be", "necessary"}),
        (2, None, set()),  # Jay's
        (68, "Hamilton", {"mode", "of", "appointment", "chief", "magistrate", "united", "states"}),
    ],
)
def test_known_sentences(number, author, words):
    papers, authors, sentences = federalist()
    found = [authors[i] for i in np.flatnonzero(papers == number) if words <= set(sentences[i])]
    assert set(found) == ({author} if author else set())


def test_the_digits_are_those_of_the_source():
    images, labels = digits()
    assert images.shape == (1797, 8, 8) and labels.shape == (1797,)
    assert images.min() == 0 and images.max() == 16
    # as the repository counts them in its part for testing
    counted = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == counted


def test_a_digit_can_be_recognized_by_its_likeness_to_another():
    images, labels = digits()
    pixels = images.reshape(-1, 64)
    known, asked = pixels[::2], pixels[1::2]
    distances = (known**2).sum(axis=1) - 2 * asked @ known.T  # but for a constant each
    likest = distances.argmin(axis=1)
    assert (labels[::2][likest] == labels[1::2]).mean() > 0.97
