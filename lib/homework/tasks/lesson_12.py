"""Lesson 12: learning-rate schedules."""

import math

import numpy as np

from lib import schedules
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import near

# 12.1

FLOOR = Task(
    name="12.1",
    title="How deep is the floor?",
    kind="predict",
    stars=1,
    answer="floor_and_rate",
    reference=(0.1 * 0.5 / (4 * (2 - 0.4)), 1 / 18),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.1 * 6 / (4 * 1.6), 1 / 18),
            "This is the floor for one example in every step. The gradient is the mean "
            "of twelve, and so its variance is a twelfth of theirs.",
            when=lambda answer: near(answer[0], 0.1 * 6 / (4 * 1.6)),
        ),
        Mistake(
            (0.1 * 0.5 / 8, 1 / 18),
            "This is rate times variance over twice the curvature, which holds for "
            "small rates. Here the rate times the curvature is 0.4, and 2 less 0.4 is "
            "not 2.",
            when=lambda answer: near(answer[0], 0.1 * 0.5 / 8),
        ),
        Mistake(
            (0.1 * 0.5 / 1.6, 1 / 18),
            "The curvature stands in the formula twice: in the bracket and in front of "
            "it. Here the one in front is missing.",
            when=lambda answer: near(answer[0], 0.1 * 0.5 / 1.6),
        ),
        Mistake(
            (math.sqrt(0.1 * 0.5 / 6.4), 1 / 18),
            "This is the distance from the minimum, the root of the mean square. The "
            "question is for the mean square itself.",
            when=lambda answer: near(answer[0], math.sqrt(0.1 * 0.5 / 6.4)),
        ),
        Mistake(
            (0.1 * 0.5 / 6.4, 0.05),
            "Half the rate brings the floor lower than to a half, since the rate is in "
            "the bracket as well. Write down the formula for half the floor and solve "
            "it for the rate.",
            when=lambda answer: near(answer[1], 0.05),
        ),
    ),
)

# 12.2

LEFT = 0.1  # of the peak, at the end


def times(rng):
    """The run-up, its end, the way down and what comes after, in two plans."""
    run_up, steps = int(rng.integers(5, 30)), int(rng.integers(60, 200))
    peak = round(rng.uniform(0.01, 2), 2)
    middle = int(rng.integers(run_up + 5, steps - 5))
    return [
        *((t, 0.4, 10, 90) for t in (1, 2, 11, 12, 51, 91, 130)),
        *((t, peak, run_up, steps) for t in (4, middle, steps - 1, steps + 20)),
    ]


def run_up_and_cosine(t, peak, run_up, steps):
    """Linear from zero to the peak, then half a cosine to a tenth of it at step `steps + 1`."""
    falling = schedules.cosine(peak, steps - run_up, LEFT)
    return schedules.warmup(falling, run_up)(t)


def not_begun_anew(t, peak, run_up, steps):
    """The cosine counts from the first step of the run."""
    if t - 1 < run_up:
        return peak * (t - 1) / run_up
    return schedules.cosine(peak, steps, LEFT)(t)


def too_long(t, peak, run_up, steps):
    """The way down takes `steps` steps, after the run-up."""
    return schedules.warmup(schedules.cosine(peak, steps, LEFT), run_up)(t)


def up_again(t, peak, run_up, steps):
    """The cosine goes on after its end."""
    if t - 1 < run_up:
        return peak * (t - 1) / run_up
    done = (t - 1 - run_up) / (steps - run_up)
    return peak * (LEFT + (1 - LEFT) * 0.5 * (1 + math.cos(math.pi * done)))


def to_zero(t, peak, run_up, steps):
    """Down to nothing."""
    return schedules.warmup(schedules.cosine(peak, steps - run_up), run_up)(t)


RUN_UP = Task(
    name="12.2",
    title="Up a ramp, down a cosine",
    kind="implement",
    stars=1,
    answer="rate",
    inputs=times,
    probe=probes.call,
    reference=run_up_and_cosine,
    mistakes=(
        Mistake(
            lambda t, *plan: run_up_and_cosine(t + 1, *plan),
            "This schedule is one step ahead: at step t only t - 1 steps have been "
            "taken, and the first one begins at the bottom of the ramp.",
        ),
        Mistake(
            not_begun_anew,
            "The cosine counts from the first step of the run, so that part of it is "
            "over before it is used and the rate jumps down at the top of the ramp. "
            "Let it begin there.",
        ),
        Mistake(
            too_long,
            "The way down takes `steps` steps after the run-up, and the plan ends too "
            "late. How many are left for it at the top of the ramp?",
        ),
        Mistake(
            up_again,
            "All is right until the plan is over; then the cosine turns up again. The "
            "share of the way down that is done should stop growing at 1.",
        ),
        Mistake(
            to_zero,
            "This cosine falls to zero. It should come to rest at a tenth of the peak: "
            "what it has to fall is 0.9 of it.",
        ),
    ),
)

# 12.3


def epochs(rng):
    """Before and after the edges of epochs, for batches that do not divide the examples,
    and one that does."""
    batch, full = int(rng.integers(6, 40)), int(rng.integers(8, 30))
    examples = batch * full + int(rng.integers(1, batch))
    every, first = int(rng.integers(3, 7)), round(rng.uniform(0.05, 1), 2)
    edge = every * (full + 1)
    return [
        *((t, 0.8, 5, 100, 32) for t in (1, 2, 6, 16, 17, 20, 21, 35, 41)),
        *((t, 0.8, 5, 96, 32) for t in (15, 16)),
        *((t, first, every, examples, batch) for t in (edge, edge + 1, 3 * edge)),
    ]


def by_epochs(t, first, every, examples, batch_size):
    """A stair for every `every` epochs, of which each has a last, smaller batch."""
    return schedules.step(first, every * math.ceil(examples / batch_size))(t)


UNITS = Task(
    name="12.3",
    title="Twenty times too soon",
    kind="repair",
    stars=2,
    answer="rate",
    inputs=epochs,
    probe=probes.call,
    reference=by_epochs,
    mistakes=(
        Mistake(
            lambda t, first, every, examples, batch_size: (
                first * 0.5 ** ((t - 1) // every)
            ),
            "`every` counts epochs, and t counts steps: this rate is halved every so "
            "many steps. How many steps does an epoch have?",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: (
                first * 0.5 ** ((t - 1) // (every * (examples // batch_size)))
            ),
            "The stairs are in epochs now, but an epoch is a step too short: the "
            "examples that are left over at its end make a batch, too.",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: (
                first * 0.5 ** ((t - 1) // (every * examples / batch_size))
            ),
            "An epoch has a whole number of steps, here it ends with a fraction of "
            "one. The smaller batch at the end is a full step.",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: (
                first * 0.5 ** ((t - 1) // (every * (examples // batch_size + 1)))
            ),
            "Where the batches go into the examples without a rest, nothing is left "
            "over at the end of an epoch, and this counts a batch for it.",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: (
                first
                * 0.5 ** ((1 + (t - 1) // math.ceil(examples / batch_size)) // every)
            ),
            "Each stair begins an epoch too soon: the epoch with the number `every` is "
            "the last of the first stair. What counts is how many epochs are over.",
        ),
        Mistake(
            lambda t, *plan: by_epochs(t + 1, *plan),
            "The stairs have the right length, but each comes one step too soon. When "
            "step t is to be taken, t - 1 steps are behind it.",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: schedules.exponential(
                first, every * math.ceil(examples / batch_size), 0.5
            )(t),
            "The units are right, but this rate falls in every step, smoothly. Only "
            "full stretches of `every` epochs count: `//`, not `/`.",
        ),
        Mistake(
            lambda t, first, every, examples, batch_size: by_epochs(
                t, first, 1, examples, batch_size
            ),
            "Now the rate is halved after every epoch. It should be after `every` of "
            "them.",
        ),
    ),
)

# 12.4


def validation_losses(rng):
    """A fall and a flat, noise alone, and a fall with noise; quarters, whose sums are exact."""
    falls = 40 * 0.8 ** np.arange(24) + rng.uniform(0, 6, 24)
    flat = rng.uniform(0, 4, 18)
    drawn = [(4 * losses).round() / 4 for losses in (flat, falls)]
    return [
        ([9.0, 7.0, 5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0], 1.0, 2),
        ([4.0, 1.0, 3.0, 1.5, 1.5, 1.5, 2.0, 1.0, 0.5, 0.5], 0.8, 2),
        *((losses.tolist(), 0.5, window) for losses, window in zip(drawn, (3, 4))),
    ]


def by_means(losses, rate, window, ended=lambda newer, older: newer >= older):
    """Halve the rate when a window is no better than the one before it, and begin anew."""
    heard, rates = [], []
    for loss in losses:
        heard.append(loss)
        newer, older = heard[-window:], heard[-2 * window : -window]
        if len(older) == window and ended(sum(newer), sum(older)):
            rate, heard = rate / 2, []
        rates.append(rate)
    return rates


def by_record(losses, rate, window):
    """The detector of the lesson: so many epochs without a new best."""
    best, waited, rates = math.inf, 0, []
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == window:
            rate, waited = rate / 2, 0
        rates.append(rate)
    return rates


def never_forgetting(losses, rate, window):
    """What was heard before a cut is used again."""
    rates = []
    for end in range(1, len(losses) + 1):
        heard = losses[:end]
        newer, older = heard[-window:], heard[-2 * window : -window]
        if len(older) == window and sum(newer) >= sum(older):
            rate = rate / 2
        rates.append(rate)
    return rates


def in_blocks(losses, rate, window):
    """Compares every two windows, then begins anew, cut or no cut."""
    heard, rates = [], []
    for loss in losses:
        heard.append(loss)
        if len(heard) == 2 * window:
            if sum(heard[window:]) >= sum(heard[:window]):
                rate = rate / 2
            heard = []
        rates.append(rate)
    return rates


def late(losses, rate, window):
    """The rate that each epoch had, not the one that it leads to."""
    return [rate, *by_means(losses, rate, window)[:-1]]


PLATEAU = Task(
    name="12.4",
    title="Deaf to luck",
    kind="implement",
    stars=2,
    answer="rates",
    inputs=validation_losses,
    probe=probes.call,
    reference=by_means,
    mistakes=(
        Mistake(
            by_record,
            "This is the detector of the lesson, which waits for a new best, and the "
            "best was luck. Compare the sums of two windows.",
        ),
        Mistake(
            never_forgetting,
            "After a cut the old losses are still in the windows, and they lead to the "
            "next cut at once. A cut should begin with empty hands.",
        ),
        Mistake(
            in_blocks,
            "This forgets after every comparison. Only a cut makes it forget; without "
            "one the windows move on by an epoch.",
        ),
        Mistake(
            late,
            "These are the rates that the epochs had. The task asks for the rate after "
            "each epoch, when its loss has been heard.",
        ),
        Mistake(
            lambda losses, rate, window: by_means(
                losses, rate, window, lambda newer, older: newer < older
            ),
            "The comparison is the wrong way round: here the rate is halved while the "
            "loss falls.",
        ),
        Mistake(
            lambda losses, rate, window: by_means(
                losses, rate, window, lambda newer, older: newer > older
            ),
            "Two windows with the same mean are no progress either: not only a rise, "
            "also a tie should halve the rate.",
        ),
    ),
)

# 12.5

CURVATURES = np.array([1.0, 0.1, 0.02])
START, BOUND = 2.0, 3.5


def left(rates):
    """The mean loss at the end, by direction: what is left of the way, and the noise."""
    way, noise = np.full(3, START**2), np.zeros(3)
    for rate in np.asarray(rates, dtype=float):
        keep = (1 - rate * CURVATURES) ** 2
        way, noise = keep * way, keep * noise + rate**2 * CURVATURES
    return 0.5 * CURVATURES * way, 0.5 * CURVATURES * noise


def is_plan(rates, steps):
    """Whether it is a list of so many rates."""
    rates = np.asarray(rates, dtype=float)
    return rates.shape == (steps,) and bool(((rates >= 0) & (rates <= 10)).all())


def grows(rates):
    """Whether the loss ends above where it began."""
    with np.errstate(all="ignore"):
        return not np.sum(left(rates)) <= 0.5 * START**2 * CURVATURES.sum()


def lacks_descent(rates, steps):
    """How much loss is left, and of which kind, where less is wanted."""
    if not is_plan(rates, steps):
        return f"a list of {steps} rates, each from 0 to 10"
    with np.errstate(all="ignore"):
        way, noise = left(rates)
    loss = way.sum() + noise.sum()
    if loss * steps <= BOUND:
        return ""
    parts = f"{way.sum():.2g} of the way and {noise.sum():.2g} of noise"
    wanted = f"at most {BOUND} / {steps} = {BOUND / steps:.3g} is wanted"
    return f"after {steps} steps the loss is {loss:.3g}, {parts}; {wanted}"


DESCENT = Task(
    name="12.5",
    title="A plan for three curvatures",
    kind="experiment",
    stars=3,
    answer="plan",
    inputs=lambda rng: [
        (300,),
        (int(rng.integers(400, 600)),),
        (int(rng.integers(700, 900)),),
    ],
    probe=probes.call,
    reference=lambda steps: schedules.exponential(1.5, steps / 9, 0.5)(
        np.arange(1, steps + 1)
    ),
    lacks=lacks_descent,
    mistakes=(
        Mistake(
            lambda steps: [0.1] * (steps - 1),
            "A plan is a list with one rate for each of the steps that it is asked "
            "for, not negative and not infinite.",
            when=lambda rates, steps: not is_plan(rates, steps),
        ),
        Mistake(
            lambda steps: [2.2] * steps,
            "The loss is higher than at the start. A rate of 2 over the curvature "
            "makes a direction diverge, and near it the noise piles up: the steepest "
            "direction has curvature 1.",
            when=lambda rates, steps: grows(rates),
        ),
        Mistake(
            lambda steps: schedules.step(1.0, 20)(np.arange(1, steps + 1)),
            "Much of what is left is the way, in the flatter directions: in the "
            "flattest, exp(-2 · 0.02 · the sum of the rates) of its square. That sum "
            "is too small. Begin higher, or fall more slowly.",
            when=lambda rates, steps: np.sum(left(rates)[0]) > np.sum(left(rates)) / 3,
        ),
        Mistake(
            lambda steps: schedules.cosine(0.5, steps)(np.arange(1, steps + 1)),
            "What is left is mostly noise in the steepest direction, which forgets all "
            "but the last rates. They are too high, or the low ones among them too "
            "few. A schedule that subtracts is in a hurry at the end; one that divides "
            "is not.",
            when=lambda rates, steps: left(rates)[1][0] > left(rates)[1][1:].sum(),
        ),
        Mistake(
            lambda steps: schedules.step(1.0, steps // 3, 0.1)(np.arange(1, steps + 1)),
            "The steepest direction is quiet, and the flattest has arrived. But noise "
            "is left in the flatter ones: the rate that suited them was gone too soon. "
            "A rate that comes down by a factor of several hundred is halved eight or "
            "nine times; how would you spread these over the run?",
            when=lambda rates, steps: True,
        ),
    ),
)

TASKS = [FLOOR, RUN_UP, UNITS, PLATEAU, DESCENT]
