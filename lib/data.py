"""The data sets of the lessons, with sources, licenses and units. A file is read when it is asked for."""

import csv
from pathlib import Path

import numpy as np

DATASETS = Path(__file__).parent / "datasets"


def temperatures():
    """The daily maximum temperature at Seattle-Tacoma airport, 2012 to 2015: `(dates, celsius)`.

    `dates` are 1461 days in a row, `datetime64[D]`; `celsius` has the same shape, in degrees Celsius.
    License: a work of the United States government, in the public domain.
    Source: NOAA, Global Historical Climatology Network - Daily (Menne et al., 2012), station USW00024233,
    element `TMAX`; taken from the table `seattle-weather` of the vega-datasets collection.

    >>> dates, celsius = temperatures()
    >>> print(dates[0], celsius[0])
    2012-01-01 12.8
    """
    dates, celsius = np.loadtxt(
        DATASETS / "seattle_temperatures.csv",
        dtype=str,
        delimiter=",",
        skiprows=1,
        unpack=True,
    )
    return dates.astype("datetime64[D]"), celsius.astype(float)


def federalist():
    """Sentences of The Federalist as sets of words: `(papers, authors, sentences)`.

    2801 sentences, as they stand in the papers: all of Madison's fourteen papers, every third of Hamilton's,
    and the twelve that both men claimed. `papers` are their numbers, `authors` "Hamilton", "Madison" or
    "disputed", both of shape `(2801,)`; `sentences` is a list of lists of words, each word once, in
    alphabetical order. Only words of at least two sentences of known authorship are kept.
    License: the papers, published in 1787 and 1788, are in the public domain.
    Source: the transcription in Riddell's `corpora-mosteller-wallace-federalist` (CC0), with the attribution
    of Mosteller and Wallace (1964).

    >>> papers, authors, sentences = federalist()
    >>> print(papers[1702], authors[1702], *sentences[1702])
    51 disputed ambition be made must to
    """
    with (DATASETS / "federalist.csv").open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    papers = np.array([int(row["paper"]) for row in rows])
    authors = np.array([row["author"] for row in rows])
    return papers, authors, [row["words"].split() for row in rows]


def digits():
    """Handwritten digits of 13 people as pictures of 8 by 8 pixels: `(images, labels)`.

    `images`, `(1797, 8, 8)`, holds how much ink is in each pixel, whole numbers from 0 to 16; `labels`,
    `(1797,)`, the digits from 0 to 9 that they show, in the order of the source.
    License: Creative Commons Attribution 4.0 (CC BY 4.0).
    Source: Alpaydin and Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, doi:10.24432/C50P49: the part for testing, as scikit-learn ships it. Changed in form only:
    a row of the file holds a digit and its 64 pixels, from the top left, one character each, "g" for 16.

    >>> images, labels = digits()
    >>> print(labels[0], images[0, 1])
    0 [ 0  0 13 15 10 15  5  0]
    """
    with (DATASETS / "digits.csv").open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    images = np.array([[int(pixel, 17) for pixel in row["pixels"]] for row in rows])
    return images.reshape(-1, 8, 8), np.array([int(row["digit"]) for row in rows])
