import numpy as np
import pytest

from lib.data import temperatures


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
