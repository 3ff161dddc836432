"""Lesson 03: exponentially weighted averages."""

import numpy as np

from lib.averages import corrected_series, ewma_series
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import near

# 03.1


def series_and_betas(rng):
    """The slides' days, then readings and shares drawn anew."""
    drawn = [
        (rng.normal(8, 5, n).round(1).tolist(), round(rng.uniform(0.55, 0.98), 2))
        for n in (6, 12)
    ]
    return [
        ([4.0, 4.95], 0.9),
        ([4.0, 4.95, 6.3], 0.9),
        ([7.5], 0.5),
        ([4.0, 4.95, 6.3], 0.98),
        *drawn,
    ]


AVERAGE = Task(
    name="03.1",
    title="One number per evening",
    kind="implement",
    stars=1,
    answer="average",
    inputs=series_and_betas,
    probe=probes.call,
    reference=ewma_series,
    mistakes=(
        Mistake(
            lambda values, beta: ewma_series(values, 1 - beta),
            "beta and 1 - beta have changed places: beta is the share of the old "
            "average that is kept.",
        ),
        Mistake(
            lambda values, beta: ewma_series(values, beta, initial=values[0]),
            "This average starts from the first reading; the task wants it to start "
            "from zero, as the optimizers do.",
        ),
        Mistake(
            corrected_series,
            "This is the corrected average of the next lesson. Leave out the division "
            "by 1 - beta**t.",
        ),
        Mistake(
            lambda values, beta: ewma_series(values, beta) / (1 - beta),
            "The new reading has lost its factor 1 - beta: this is a decaying sum, 1 "
            "/ (1 - beta) times too large.",
        ),
        Mistake(
            lambda values, beta: ewma_series(values, beta)[-1],
            "This is the last average only. Collect the average after every reading "
            "in a list.",
        ),
        Mistake(
            lambda values, beta: [0.0, *ewma_series(values, beta)],
            "The zero that it starts from is in the list as well. There is one average "
            "for every reading.",
        ),
        Mistake(
            lambda values, beta: [0.0, *ewma_series(values, beta)[:-1]],
            "Each average goes into the list before its reading has come in. Update "
            "first, then collect.",
        ),
    ),
)

# 03.2


FAIR_MATCH = Task(
    name="03.2",
    title="The fair match of a month",
    kind="predict",
    stars=1,
    answer="beta_and_lag",
    reference=(15 / 16, 15.0),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (1 - 1 / 31, 30.0),
            "With this beta the window 1 / (1 - beta) is 31 days, but as to noise it "
            "is as calm as a mean of 61. Which of the four readings of 'how many "
            "days' is about noise?",
            when=lambda answer: near(answer[0], 1 - 1 / 31),
        ),
        Mistake(
            (0.5 ** (1 / 31), 15.0),
            "With this beta 31 days are the half-life. The question is about noise: "
            "compare the variances.",
            when=lambda answer: near(answer[0], 0.5 ** (1 / 31)),
        ),
        Mistake(
            (15 / 16, 16.0),
            "16 is a window, 1 / (1 - beta). The lag is the mean age of the readings.",
            when=lambda answer: near(answer[1], 16),
        ),
        Mistake(
            (15 / 16, 30.0),
            "30 days is the age of the oldest reading in the plain mean; what is late "
            "by that much is only the last of them. How old are they on average?",
            when=lambda answer: near(answer[1], 30) or near(answer[1], 31),
        ),
        Mistake(
            (0.938, 15.1),
            "The lag is that of a beta which has been rounded before: in 1 - beta the "
            "rounding weighs sixteen times as much. Keep all digits until the end.",
            when=lambda answer: (
                near(answer[0], 15 / 16)
                and near(answer[1], answer[0] / (1 - answer[0]))
            ),
        ),
    ),
)

# 03.3


def gaps(rng):
    """No gap, then longer ones."""
    drawn = [
        (round(rng.uniform(0, 20), 1), round(rng.uniform(0, 20), 1), beta, days)
        for beta, days in ((0.5, 2), (0.9, 5), (0.98, 30))
    ]
    return [(10.0, 14.0, 0.9, 1), (10.0, 14.0, 0.9, 4), *drawn]


def after_gap(average, value, beta, days):
    """The old opinion fades with every day that has passed; the reading gets what is lost."""
    kept = beta**days
    return kept * average + (1 - kept) * value


GAP = Task(
    name="03.3",
    title="The thermometer was away",
    kind="repair",
    stars=2,
    answer="update",
    inputs=gaps,
    probe=probes.call,
    reference=after_gap,
    mistakes=(
        Mistake(
            lambda average, value, beta, days: beta * average + (1 - beta) * value,
            "However long the gap, the old opinion keeps the share beta. After `days` "
            "days it should have faded as often as that.",
        ),
        Mistake(
            lambda average, value, beta, days: (
                beta**days * average + (1 - beta) * value
            ),
            "The old opinion fades as it should, but the two weights no longer sum to "
            "one. It is as if every missing day had brought a reading of zero.",
        ),
        Mistake(
            lambda average, value, beta, days: (
                beta ** (days - 1) * average + (1 - beta ** (days - 1)) * value
            ),
            "`days` counts from the last reading to this one: without a gap it is 1, "
            "and then the old opinion keeps beta, not all.",
        ),
        Mistake(
            lambda average, value, beta, days: (
                days * beta * average + (1 - days * beta) * value
            ),
            "A share that is kept day after day multiplies: two days keep beta times "
            "beta, not twice beta.",
        ),
    ),
)

# 03.4


def trends(rng):
    """A ramp, a jump, and weather."""
    ramp = [float(day) for day in range(1, 9)]
    weather = (0.3 * np.arange(10) + rng.normal(8, 2, 10)).round(1).tolist()
    return [
        (ramp, 0.5),
        (ramp, 0.9),
        ([0.0, 1.0, 1.0, 1.0], 0.5),
        (weather, round(rng.uniform(0.6, 0.95), 2)),
    ]


def once_and_twice(values, beta):
    """The average of the readings, and the average of that; both start at the first reading."""
    once = ewma_series(values, beta, initial=values[0])
    return once, ewma_series(once, beta, initial=values[0])


def leading(values, beta):
    """What a lag adds, taken back: `2 V - W`."""
    once, twice = once_and_twice(values, beta)
    return 2 * once - twice


def leading_from_zero(values, beta):
    """The same from a start at zero."""
    once = ewma_series(values, beta)
    return 2 * once - ewma_series(once, beta)


NO_LAG = Task(
    name="03.4",
    title="An average that is not late",
    kind="implement",
    stars=2,
    answer="level",
    inputs=trends,
    probe=probes.call,
    reference=leading,
    mistakes=(
        Mistake(
            lambda values, beta: once_and_twice(values, beta)[0],
            "This is V, the plain average: on the ramp it is late by beta / (1 - "
            "beta). Average it once more.",
        ),
        Mistake(
            lambda values, beta: once_and_twice(values, beta)[1],
            "This is W, the average of the average, and twice as late as V. What is V "
            "plus the distance from W to V?",
        ),
        Mistake(
            lambda values, beta: (
                2 * once_and_twice(values, beta)[1] - once_and_twice(values, beta)[0]
            ),
            "V and W have changed places: this is 2 W - V, three times as late as V.",
        ),
        Mistake(
            leading_from_zero,
            "Both averages start from zero here. Let V and W start at the first "
            "reading.",
        ),
    ),
)

# 03.5

CALM, HASTY, SHARE = 0.9, 0.5, 0.7


def forecast_error(series, beta):
    """The mean square of what each evening's average misses the next reading by."""
    series = np.asarray(series, dtype=float)
    return np.mean(
        (ewma_series(series, beta, initial=series[0])[:-1] - series[1:]) ** 2
    )


def is_series(series):
    """Whether it is what the task asks for: 10 to 20 numbers from -1 to 1."""
    series = np.asarray(series, dtype=float)
    return (
        series.ndim == 1
        and 10 <= len(series) <= 20
        and bool((np.abs(series) <= 1).all())
    )


def lacks_calm(series):
    """How far the calm forecast is from being so much better than the hasty one."""
    if not is_series(series):
        return "10 to 20 numbers from -1 to 1"
    calm, hasty = forecast_error(series, CALM), forecast_error(series, HASTY)
    if hasty < 1e-12:
        return "an error: both forecast this series without any"
    if calm <= SHARE * hasty:
        return ""
    errors = f"mean square error {calm:.4g} with beta {CALM}, {hasty:.4g} with {HASTY}"
    return f"{errors}; at most {SHARE * hasty:.4g} is wanted"


COUNTEREXAMPLE = Task(
    name="03.5",
    title="A series for the patient",
    kind="experiment",
    stars=3,
    answer="series",
    reference=[0.0] + [1.0, -1.0] * 9,
    lacks=lacks_calm,
    mistakes=(
        Mistake(
            [0.0, 3.0, -3.0, 3.0, -3.0],
            "A list of 10 to 20 numbers, none below -1 or above 1, is what the task "
            "allows.",
            when=lambda series: not is_series(series),
        ),
        Mistake(
            [0.5] * 12,
            "A series that never changes is forecast without any error by both. "
            "Something has to happen.",
            when=lambda series: forecast_error(series, HASTY) < 1e-12,
        ),
        Mistake(
            [day / 11 for day in range(12)],
            "Here the calm average forecasts worse: it is late. Whatever goes on in "
            "one direction for long is for the hasty. What would have to happen after "
            "a rise to punish those who believe in it?",
            when=lambda series: (
                forecast_error(series, CALM) > forecast_error(series, HASTY)
            ),
        ),
        Mistake(
            [1.0, -1.0] * 6,
            "The calm average forecasts better, but not by enough. Both begin by "
            "trusting the first reading, and the calm one holds on to it for long: "
            "see that it deserves that. And let the others contradict each other.",
            when=lambda series: True,
        ),
    ),
)

TASKS = [AVERAGE, FAIR_MATCH, GAP, NO_LAG, COUNTEREXAMPLE]
