"""Lesson 04: bias correction."""

import numpy as np

from lib.averages import corrected_series, debias, ewma, ewma_series
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import told_apart

# 04.1


def series_and_betas(rng):
    """The slides' two days, then readings and shares drawn anew."""
    drawn = [
        (rng.normal(8, 5, n).round(1).tolist(), round(rng.uniform(0.55, 0.95), 2))
        for n in (6, 12)
    ]
    return [([4.0, 4.95], 0.9), ([4.0, 4.95], 0.98), ([7.5], 0.5), *drawn]


def steps(values):
    """The step numbers of a series, from 1."""
    return np.arange(1, len(values) + 1)


def corrected_again(values, beta):
    """The corrected average taken for the state, and so corrected at every step."""
    average, result = 0.0, []
    for t, value in enumerate(values, start=1):
        average = debias(ewma(average, value, beta), beta, t)
        result.append(average)
    return result


CORRECTED = Task(
    name="04.1",
    title="Divide by what has been handed out",
    kind="implement",
    stars=1,
    answer="corrected",
    inputs=series_and_betas,
    probe=probes.call,
    reference=corrected_series,
    mistakes=(
        Mistake(
            ewma_series,
            "This is the average without the correction: at t = 1 and beta = 0.9 it "
            "is 0.1 of the value.",
        ),
        Mistake(
            lambda values, beta: ewma_series(values, beta) / (1 - beta),
            "This divides by 1 - beta at every step. That is right at t = 1 only; the "
            "exponent t has to advance.",
        ),
        Mistake(
            lambda values, beta: debias(
                ewma_series(values, beta), beta, steps(values) + 1
            ),
            "The exponent is one ahead: after the first value the weight handed out "
            "is 1 - beta. t counts from 1.",
        ),
        Mistake(
            corrected_again,
            "The corrected value has become the state, and is corrected again at the "
            "next step. Keep the average as it is, and divide only what you report.",
        ),
        Mistake(
            lambda values, beta: debias(
                ewma_series(values, beta, initial=values[0]), beta, steps(values)
            ),
            "Both cures at once: a start at the first value has no bias, and "
            "correcting it creates one. Start at zero.",
        ),
    ),
)

# 04.2

FADES = Task(
    name="04.2",
    title="When may one forget it?",
    kind="predict",
    stars=1,
    answer="first_step",
    reference=int(np.ceil(np.log(0.01) / np.log(0.95))),
    tolerance=1e-3,
    mistakes=(
        Mistake(
            20,
            "20 steps is the window, 1 / (1 - beta). By then more than a third is "
            "still missing.",
        ),
        Mistake(
            89,
            "At step 89 it is still 1.04 percent. The question is for the first step "
            "below one percent.",
        ),
        Mistake(
            np.log(0.01) / np.log(0.95),
            "There beta**t is one percent exactly, between two steps. Which is the "
            "first whole number after it?",
            when=lambda answer: 89 < answer < 90,
        ),
        Mistake(
            92,
            "4.6 windows is the rule of thumb, and close. Solve beta**t < 0.01 for t "
            "to be exact.",
            when=lambda answer: 91.5 < answer < 93,
        ),
        Mistake(59, "At step 59 five percent are missing. The question is for one."),
        Mistake(
            2,
            "The missing share is beta**t: after two steps it has not fallen to one "
            "percent, but by about one tenth.",
            when=lambda answer: answer < 10,
        ),
    ),
)

# 04.3


def descents(rng):
    """The slope, where the right steps are all alike, then valleys."""
    start = [float(x) for x in rng.uniform((0.0, 0.5), (4.0, 3.5)).round(2)]
    return [
        ("slope", (0.0, 0.0), 3, {"learning_rate": 0.1, "momentum": 0.9}),
        ("ravine", (0.1, 3.5), 6, {"learning_rate": 0.1, "momentum": 0.9}),
        ("zigzag", tuple(start), 6, {"learning_rate": 0.2, "momentum": 0.75}),
    ]


def steady(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The average is kept as it is, and corrected for the step."""
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * debias(average, momentum, t), average


def steady_stored(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The corrected average is kept."""
    average = debias(ewma(average, gradient(w), momentum), momentum, t)
    return w - learning_rate * average, average


def steady_uncorrected(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """No correction."""
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * average, average


def steady_at_one(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The correction of the first step, for ever."""
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * debias(average, momentum, 1), average


def steady_ahead(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The correction of the next step."""
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * debias(average, momentum, t + 1), average


STORED = Task(
    name="04.3",
    title="Corrected once too often",
    kind="repair",
    stars=2,
    answer="steady",
    inputs=descents,
    probe=probes.path,
    reference=steady,
    mistakes=(
        Mistake(
            steady_stored,
            "The corrected average is handed on as the state, and the next step "
            "corrects it again. Give it a name of its own, step by that, and return "
            "the average as it was.",
        ),
        Mistake(
            steady_uncorrected,
            "Now nothing is corrected: the first step is a tenth of the rate times "
            "the gradient. The division was right, what was kept of it was not.",
        ),
        Mistake(
            steady_at_one,
            "The exponent stays at 1: every step is divided by 1 - momentum, as only "
            "the first should be. t is an argument of the rule, use it.",
        ),
        Mistake(
            steady_ahead,
            "The exponent is one ahead. t is 1 in the first step, when the average "
            "has seen one gradient.",
        ),
    ),
)

# 04.4


def holes(rng):
    """Days without a reading, in all places but the first."""
    first = [4.0, None, 4.95]
    second = rng.normal(8, 5, 8).round(1).tolist()
    for day in (2, 3, 6):
        second[day] = None
    return [(first, 0.9), (second, 0.9), (second, 0.5), ([7.5, None, None], 0.8)]


def filled(values, beta):
    """Average and correct, as if a missing reading were zero."""
    return ewma_series([0.0 if value is None else value for value in values], beta)


def seen(values, beta):
    """The same average of ones, which is the weight handed out."""
    return ewma_series([0.0 if value is None else 1.0 for value in values], beta)


def paused(values, beta):
    """The clock stands still on a missing day."""
    average, t, result = 0.0, 0, []
    for value in values:
        if value is not None:
            average, t = ewma(average, value, beta), t + 1
        result.append(debias(average, beta, t))
    return result


def carried(values, beta):
    """The last reading stands in for a missing one."""
    whole = []
    for value in values:
        whole.append(whole[-1] if value is None else value)
    return corrected_series(whole, beta)


HOLES = Task(
    name="04.4",
    title="Missing days",
    kind="implement",
    stars=2,
    answer="with_gaps",
    inputs=holes,
    probe=probes.call,
    reference=lambda values, beta: filled(values, beta) / seen(values, beta),
    mistakes=(
        Mistake(
            lambda values, beta: debias(filled(values, beta), beta, steps(values)),
            "A missing reading counts as one of zero degrees here. It should count as "
            "none: 1 - beta**t is the weight of all the days, and not all of them had "
            "a reading. What does your average make of ones?",
        ),
        Mistake(
            filled,
            "The missing days are zeros, and nothing is corrected. Divide by the "
            "weight of the readings that were there.",
        ),
        Mistake(
            paused,
            "The clock stands still on a missing day. The readings before it grow "
            "older all the same: their weight shrinks by beta.",
        ),
        Mistake(
            carried,
            "The last reading is repeated on a missing day, as if it had been "
            "measured again. A missing day brings no weight.",
        ),
        Mistake(
            lambda values, beta: corrected_series(
                [value for value in values if value is not None], beta
            ),
            "The missing days are left out. There is one average for every day, with "
            "a reading or without.",
        ),
    ),
)

# 04.5

RIGHT_FROM_THE_START = Task(
    name="04.5",
    title="A first step of the right length",
    kind="predict",
    stars=2,
    answer="beta_2",
    reference=1 - (1 - 0.8) ** 2,
    tolerance=5e-3,
    mistakes=(
        Mistake(
            0.8,
            "With equal shares the first step is 0.2 / sqrt(0.2) = 0.447 of what it "
            "should be. Mind the root.",
        ),
        Mistake(0.99, "That is the partner of beta_1 = 0.9. Here beta_1 is 0.8."),
        Mistake(0.04, "This is 1 - beta_2. The question is for beta_2."),
        Mistake(
            0.64,
            "This is beta_1 squared. What has to match is not the shares that are "
            "kept but those that are new: in the first step the ratio is (1 - beta_1) "
            "/ sqrt(1 - beta_2).",
        ),
        Mistake(
            1 - np.sqrt(0.2),
            "The root is on the wrong side: 1 - beta_2 has to be the square of 1 - "
            "beta_1, not its root.",
        ),
    ),
)

# 04.6

HORIZON, OFF = 1000, 0.1


def ratios(answer):
    """Uncorrected over corrected step, for the steps 1 to 1000."""
    beta_1, beta_2 = answer
    t = np.arange(1, HORIZON + 1)
    return (1 - beta_1**t) / np.sqrt(1 - beta_2**t)


def is_pair_of_shares(answer):
    """Whether it is what the task asks for."""
    return np.shape(answer) == (2,) and 0.5 <= answer[0] < 1 and 0 <= answer[1] < 1


def lacks_calibration(answer):
    """By how much the worst of the steps is off."""
    if not is_pair_of_shares(answer):
        return "two numbers below 1, the first at least 0.5"
    ratio = ratios(answer)
    worst = np.argmax(abs(ratio - 1))
    if abs(ratio[worst] - 1) <= OFF + 1e-9:
        return ""
    longer = told_apart(ratio[worst], 1 + np.copysign(OFF, ratio[worst] - 1))
    return f"step {worst + 1} is {longer} times as long as it should be; 0.9 to 1.1 is wanted"


NO_CORRECTION = Task(
    name="04.6",
    title="Adam without the correction, and nobody notices",
    kind="experiment",
    stars=3,
    answer="betas",
    reference=(0.5, 0.7),
    lacks=lacks_calibration,
    mistakes=(
        Mistake(
            (0.0, 0.0),
            "Without memory there is nothing to correct. beta_1 has to be at least "
            "0.5, and both have to stay below 1.",
            when=lambda answer: not is_pair_of_shares(answer),
        ),
        Mistake(
            (0.9, 0.999),
            "The very first step is too long: the root below the fraction fills more "
            "slowly than the average above it. beta_2 is too close to one for this "
            "beta_1.",
            when=lambda answer: ratios(answer)[0] > 1 + OFF,
        ),
        Mistake(
            (0.9, 0.9),
            "The first step is too short: the average above the fraction starts at 1 "
            "- beta_1. Either that is too little, or the root of 1 - beta_2 is too "
            "much.",
            when=lambda answer: ratios(answer)[0] < 1 - OFF,
        ),
        Mistake(
            (0.9, 0.99),
            "The first step is within bounds, and then the ratio climbs. Use the "
            "room: let the first step be a little too short, so that the longest is "
            "not so long. The further beta_1 is from one, the smaller the climb.",
            when=lambda answer: True,
        ),
    ),
)

TASKS = [CORRECTED, FADES, STORED, HOLES, RIGHT_FROM_THE_START, NO_CORRECTION]
