"""The data sets of the lessons, with sources, licenses and units. A file is read when it is asked for."""

from pathlib import Path

import numpy as np

DATASETS = Path(__file__).parent / "datasets"


def temperatures():
    """The daily maximum temperature at Seattle-Tacoma airport, 2012 to 2015: `(dates, celsius)`.

    `dates` are 1461 days in a row, `datetime64[D]`; `celsius` has the same shape, in degrees Celsius.
    License: a work of the United States government, in the public domain.
    Source: NOAA, Global Historical Climatology Network - Daily (Menne et al., 2012), station USW00024233,
    element TMAX; taken from the table `seattle-weather` of the vega-datasets collection.

    >>> dates, celsius = temperatures()
    >>> print(dates[0], celsius[0])
    2012-01-01 12.8
    """
    dates, celsius = np.loadtxt(
        DATASETS / "seattle_temperatures.csv", dtype=str, delimiter=",", skiprows=1, unpack=True
    )
    return dates.astype("datetime64[D]"), celsius.astype(float)
