"""Lesson 08: Adagrad."""

import numpy as np

from lib import optimizers, surfaces
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near, told_apart

# 08.1


def descents(rng):
    """Two steps to do by hand, a valley, and an epsilon that is large enough to be seen."""
    start = tuple(float(x) for x in rng.uniform((0.0, 2.5), (2.0, 3.5)).round(2))
    rate, epsilon = round(rng.uniform(0.3, 0.6), 2), round(rng.uniform(0.5, 2.0), 2)
    return [
        ("round_bowl", (1.0, 3.0), 2, {"learning_rate": 0.5, "epsilon": 0.0}),
        ("zigzag", start, 5, {"learning_rate": rate, "epsilon": 0.0}),
        ("ravine", start, 4, {"learning_rate": 0.2, "epsilon": epsilon}),
    ]


def from_zero(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Adagrad as all the sources have it."""
    return optimizers.adagrad(
        w, gradient, t, accumulator, learning_rate=learning_rate, epsilon=epsilon
    )


def outside(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Epsilon is added to the root."""
    return optimizers.adagrad_outside(
        w, gradient, t, accumulator, learning_rate=learning_rate, epsilon=epsilon
    )


def rootless(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Divides by the sum itself."""
    g = gradient(w)
    accumulator = accumulator + g * g
    return w - learning_rate * g / (accumulator + epsilon), accumulator


def forgetful(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Nothing is added up."""
    g = gradient(w)
    return w - learning_rate * g / np.sqrt(g * g + epsilon), g * g


def unkept(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """The sum is returned as it came."""
    g = gradient(w)
    total = accumulator + g * g
    return w - learning_rate * g / np.sqrt(total + epsilon), accumulator


def absolute(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Sums sizes and forgets the squares."""
    g = gradient(w)
    accumulator = accumulator + np.abs(g)
    return w - learning_rate * g / np.sqrt(accumulator + epsilon), accumulator


def common(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """One sum for all weights."""
    g = gradient(w)
    accumulator = accumulator + np.sum(g * g)
    return w - learning_rate * g / np.sqrt(accumulator + epsilon), accumulator


def late(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """Divides by the sum as it was before this gradient."""
    g = gradient(w)
    with np.errstate(all="ignore"):
        w = w - learning_rate * g / np.sqrt(accumulator + epsilon)
    return w, accumulator + g * g


def printed(w, gradient, t, accumulator=0.0, *, learning_rate=0.01, epsilon=1e-7):
    """The sum as one of the sources prints it, of t times the square of this gradient."""
    g = gradient(w)
    accumulator = t * g * g
    return w - learning_rate * g / np.sqrt(accumulator + epsilon), accumulator


ADAGRAD = Task(
    name="08.1",
    title="A rate for each weight",
    kind="implement",
    stars=1,
    answer="adagrad",
    inputs=descents,
    probe=probes.path,
    reference=from_zero,
    mistakes=(
        Mistake(
            rootless,
            "This divides by the sum of the squares. Without the root, the first step "
            "is learning_rate / g long: the larger the gradient, the shorter.",
        ),
        Mistake(
            forgetful,
            "The sum holds this gradient alone, and so every step has the same "
            "length, learning_rate. Add the square to the accumulator that the rule "
            "is given.",
        ),
        Mistake(
            unkept,
            "The first step is right, but the sum is returned as it came, and so the "
            "next step begins from zero again. Return the new one.",
        ),
        Mistake(
            absolute,
            "The sizes of the gradients are added up, not their squares.",
        ),
        Mistake(
            common,
            "All weights share one sum here, and so one rate. Leave each its own: g "
            "and the accumulator have one number for each weight, and NumPy keeps "
            "them apart by itself.",
        ),
        Mistake(
            outside,
            "Epsilon stands beside the root. That is PyTorch's rule; here it stands "
            "inside.",
        ),
        Mistake(
            late,
            "The step divides by the sum as it was before this gradient, which is "
            "zero in the first step. First add, then divide.",
        ),
        Mistake(
            printed,
            "This is the sum as Course 6 prints it, the square of the present "
            "gradient t times. Each gradient has to come with its own square.",
        ),
    ),
)

# 08.2

EQUAL_AND_SHRINKING = Task(
    name="08.2",
    title="Equal gradients, and shrinking ones",
    kind="predict",
    stars=1,
    answer="two_rates",
    reference=(0.1 / np.sqrt(64 * 0.4**2), 0.5 * np.sqrt(1 - 0.6**2) / 5),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.0125, 0.08),
            "0.0125 is the length of the step. The effective rate is what the "
            "gradient is multiplied by.",
            when=lambda answer: near(answer[0], 0.0125),
        ),
        Mistake(
            (0.1 / (64 * 0.16), 0.08),
            "The first number is the rate over the sum. Take the root of the sum.",
            when=lambda answer: near(answer[0], 0.1 / (64 * 0.16)),
        ),
        Mistake(
            (0.1 / (64 * 0.4), 0.08),
            "The first number is the rate over the sum of the gradients. It is their "
            "squares that are added up, and then comes the root.",
            when=lambda answer: near(answer[0], 0.1 / (64 * 0.4)),
        ),
        Mistake(
            (0.25, 0.08),
            "0.25 is the effective rate of the first step. By step 64 the sum has "
            "grown to 64 squares.",
            when=lambda answer: near(answer[0], 0.25),
        ),
        Mistake(
            (0.03125, 0.0),
            "The second rate does not fall to zero: the sum of gradients that shrink "
            "like this stays finite. It is a geometric series.",
            when=lambda answer: abs(answer[1]) < 1e-3,
        ),
        Mistake(
            (0.03125, 0.1),
            "0.1 is the effective rate of the first step of the second weight; the "
            "gradients after that are smaller, but they add something.",
            when=lambda answer: near(answer[1], 0.1),
        ),
        Mistake(
            (0.03125, 0.5 / np.sqrt(5 / (1 - 0.6))),
            "For the second rate you have summed the gradients, 5 / (1 - 0.6). Their "
            "squares shrink by another factor than 0.6.",
            when=lambda answer: (
                near(answer[1], 0.04) or near(answer[1], 0.5 / np.sqrt(12.5))
            ),
        ),
        Mistake(
            (0.03125, 0.5 / np.sqrt(25 / (1 - 0.6))),
            "In the second question each gradient is 0.6 of the last; what is its "
            "square, compared with the last square?",
            when=lambda answer: near(answer[1], 0.5 / np.sqrt(62.5)),
        ),
    ),
)

# 08.3


def losses(rng):
    """Gradients of one weight, in units from large to tiny, some of them zero at first."""
    g = rng.normal(0, 1, 6).round(3) + np.array([1, -1, 1, 1, -1, 1]) * 0.2
    small = [0.0, 0.0, *(float(f"{x:.4g}") for x in 1e-6 * g), 0.0]
    return [
        ([3.0, -4.0, 12.0, 84.0], 0.5),
        ([3e-6, -4e-6, 12e-6, 84e-6], 0.5),
        (small, round(rng.uniform(0.1, 0.9), 2)),
        ([float(f"{x:.4g}") for x in 1e-40 * g], 0.1),
    ]


def steps_with(divisor, start=0.0):
    """What a weight moves by, given what the sum is turned into before the division."""

    def moves(gradients, learning_rate):
        with np.errstate(all="ignore"):
            g = np.array(gradients)
            return -learning_rate * g / divisor(start + np.cumsum(g * g))

    return moves


def free_of_units(gradients, learning_rate):
    """No constant at all: a weight that has seen no gradient stays where it is."""
    moves = steps_with(np.sqrt)(gradients, learning_rate)
    return np.where(np.cumsum(np.square(gradients)) > 0, moves, 0.0)


def scaled_by_largest(gradients, learning_rate):
    """The gradients are brought to size one, by the largest of all, before anything else."""
    g = np.array(gradients) / np.abs(gradients).max()
    return steps_with(lambda total: np.sqrt(total + 1e-7))(g, learning_rate)


UNITS = Task(
    name="08.3",
    title="The loss in millionths",
    kind="repair",
    stars=2,
    answer="moves",
    inputs=losses,
    probe=probes.call,
    reference=free_of_units,
    mistakes=(
        Mistake(
            steps_with(lambda total: np.sqrt(total + 1e-7)),
            "The steps shrink with the gradients: those of 1e-6 have squares of "
            "1e-12, and next to them 1e-7 under the root is a mountain. What is it "
            "there for? Only one value of the sum cannot be divided by.",
        ),
        Mistake(
            steps_with(lambda total: np.sqrt(total) + 1e-7),
            "Epsilon beside the root is compared with the gradient itself, which is "
            "better, but not enough: 1e-7 is still a tenth of 1e-6. No constant with "
            "a unit will do.",
        ),
        Mistake(
            steps_with(lambda total: np.sqrt(total + 1e-30)),
            "A smaller epsilon, and the same mistake for a smaller loss. It is only "
            "needed while the sum is zero; can you ask for just that?",
            when=lambda result, gradients, rate: (
                max(map(abs, gradients)) < 1e-9 and np.isfinite(result).all()
            ),
        ),
        Mistake(
            steps_with(np.sqrt),
            "Without epsilon the gradients of 1e-6 are dealt with properly, but a "
            "weight that has seen only zeros divides zero by zero. What should its "
            "step be?",
        ),
        Mistake(
            steps_with(np.sqrt, start=0.1),
            "This sum starts at 0.1, as in Keras. That number has a unit as well: for "
            "gradients of 1e-6 it is gradient descent.",
        ),
        Mistake(
            scaled_by_largest,
            "Here the gradients are divided by the largest of them all. A rule does "
            "not know what is to come, and the small ones before it still feel "
            "epsilon.",
        ),
    ),
)

# 08.4


def sentences(rng):
    """Nine weights, the sums so far, and sentences with and without a word twice."""
    cases = []
    for words in ([0, 3, 4], [7, 2, 7, 5], [6, 1, 6, 6, 8, 1]):
        weights = rng.normal(0, 0.3, 9).round(2).tolist()
        sums = rng.uniform(0.1, 2, 9).round(2)
        sums[words[0]] = 0.0
        slope = round(float(rng.choice([-1, 1]) * rng.uniform(0.2, 0.9)), 2)
        cases.append((weights, sums.tolist(), words, slope, 0.1))
    faint = ([0.0, 0.2, -0.1], [0.0, 0.5, 0.3], [0, 2], 0.01, 0.5)
    return [([0.0, 0.2, -0.1], [0.0, 0.84, 0.3], [0, 1], 0.4, 0.5), *cases, faint]


def reader(again=lambda slope, count: slope * count, root=np.sqrt, **how):
    """A way to learn from a sentence.

    `again` makes the gradient of a word from how often it occurs. `how` may say `late`: the step divides by
    the sums as they were; `lost`: the new sums are not returned; or `each`: a step for every occurrence.
    """

    def learn(weights, sums, words, slope, learning_rate):
        weights, sums = np.array(weights), np.array(sums)
        given = sums.copy()
        for word in words if "each" in how else sorted(set(words)):
            g = again(slope, 1 if "each" in how else words.count(word))
            sums[word] += g * g
            total = given[word] if "late" in how else sums[word]
            with np.errstate(all="ignore"):
                weights[word] -= learning_rate * g / root(total)
        return np.stack([weights, given if "lost" in how else sums])

    return learn


SPARSE = Task(
    name="08.4",
    title="Only the words that are there",
    kind="implement",
    stars=2,
    answer="learn",
    inputs=sentences,
    probe=probes.call,
    reference=reader(),
    mistakes=(
        Mistake(
            reader(again=lambda slope, count: slope),
            "A word that occurs twice is counted once here. (So it is with "
            "`sums[words] += ...`, which writes to a place once, however often it is "
            "named.) Its gradient is the slope times how often it occurs.",
        ),
        Mistake(
            reader(each=True),
            "A word that occurs twice takes two steps here, as if there had been two "
            "sentences. It has one gradient, twice as large, and one square of that.",
        ),
        Mistake(
            reader(root=lambda total: np.sqrt(total + 1e-7)),
            "There is an epsilon in it. It is not needed: a word of the sentence has "
            "just added its square, and the others are left alone.",
        ),
        Mistake(
            reader(late=True),
            "The step divides by the sum as it was before this sentence. First add "
            "the square, then divide.",
        ),
        Mistake(
            reader(lost=True),
            "The weights are right, but the sums are returned as they came. What is "
            "not kept is not remembered.",
        ),
        Mistake(
            reader(root=lambda total: total),
            "The sums are right. The rate is divided by their roots.",
        ),
    ),
)

# 08.5

AFTER_THE_WALL = Task(
    name="08.5",
    title="After the wall",
    kind="predict",
    stars=2,
    answer="steps_and_way",
    reference=(3 * 36 / 0.2**2, 2 * 0.05 * 6 / 0.2),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (900, 3.0),
            "After 900 steps the sum has doubled. The rate has then fallen by a "
            "factor of 1.41 only.",
            when=lambda answer: near(answer[0], 900),
        ),
        Mistake(
            (3600, 3.0),
            "The sum has to be four times that of the wall, that is right. But one of "
            "the four is there already when the slope begins.",
            when=lambda answer: near(answer[0], 3600),
        ),
        Mistake(
            (675, 3.0),
            "This is for a wall of one step. Four of them have left their squares in "
            "the sum.",
            when=lambda answer: near(answer[0], 675),
        ),
        Mistake(
            (10_800, 3.0),
            "Here the gradients of the wall are summed first and squared then, 144. "
            "Adagrad squares each and adds.",
            when=lambda answer: near(answer[0], 10_800),
        ),
        Mistake(
            (540, 3.0),
            "A step on the slope adds the square of its gradient to the sum, 0.04, "
            "not 0.2.",
            when=lambda answer: near(answer[0], 540),
        ),
        Mistake(
            (2700, 4.5),
            "4.5 would be the way if the rate stayed as it was at the foot of the "
            "wall; but it falls to a half.",
            when=lambda answer: near(answer[1], 4.5),
        ),
        Mistake(
            (2700, 2.25),
            "2.25 would be the way if all steps were as short as the last of them.",
            when=lambda answer: near(answer[1], 2.25),
        ),
        Mistake(
            (2700, 2 * 0.05 * np.sqrt(2700)),
            "5.2 is the way of one who has not seen a wall, 2 alpha sqrt(T).",
            when=lambda answer: near(answer[1], 2 * 0.05 * np.sqrt(2700)),
        ),
    ),
)

# 08.6

RATE, STEPS, LOSS = 0.001, 200, 1e-3


def journeys(rng):
    """A few steps away, and some thousand; at a rate that knows nothing of either."""
    x, y = rng.uniform(-1, 1, 2).round(2).tolist()
    along, across = rng.uniform((5.0, 1.0), (8.0, 1.8)).round(2).tolist()
    far, wide = rng.uniform((2000, -3000), (3000, -1000)).round().tolist()
    settings = {"learning_rate": RATE}
    walks = [
        ("ravine", (0.1, 3.5), STEPS, settings),
        ("himmelblau", (x, y), STEPS, settings),
        ("long_valley", (along, across), STEPS, settings),
        ("ravine", (far, wide), STEPS, settings),
    ]
    return [(*walk, elsewhere(rng)) for walk in walks]


def above_lowest(points, surface):
    """The loss after the last step, above that of the minimum."""
    land = getattr(surfaces, surface)
    with np.errstate(all="ignore"):
        return land.value(np.asarray(points, dtype=float)[-1, 0]) - land.value(
            np.array(land.minima[0])
        )


def walked(points, start):
    """The largest distance from the start, along either weight, on the way and at the end."""
    away = np.abs(np.asarray(points, dtype=float)[:, 0] - np.array(start))
    return np.nanmax(away, initial=0.0), away[-1].max()


def to_go(surface, start):
    """How far it was from the start to the minimum, along the longer of the two."""
    return np.abs(np.array(getattr(surfaces, surface).minima[0]) - start).max()


def lacks_arrival(points, surface, start, steps, settings, moved):
    """How high the path ends, and how far it has been."""
    loss = above_lowest(points, surface)
    if loss <= LOSS:
        return ""
    name, way = getattr(surfaces, surface).name, to_go(surface, start)
    return (
        f"{name}: {told_apart(loss, LOSS, 2)} above the lowest loss after {steps} steps, {LOSS:g} is wanted; "
        f"the path has been {walked(points, start)[0]:.3g} from its start, the minimum is {way:.3g} away"
    )


def far_so_far(w, gradient, t, total=0.0, start=None, far=0.0, *, learning_rate=0.001):
    """The guess of the way is how far the weight has been from its start."""
    start = w if start is None else start
    far = np.maximum(far, np.abs(w - start))
    w, total = optimizers.adagrad(
        w,
        gradient,
        t,
        total,
        learning_rate=np.maximum(far, learning_rate),
        epsilon=1e-12,
    )
    return w, total, start, far


def as_told(w, gradient, t, total=0.0, *, learning_rate=0.001):
    """Adagrad, at the rate that it is given."""
    return from_zero(w, gradient, t, total, learning_rate=learning_rate)


def bold(w, gradient, t, total=0.0, *, learning_rate=0.001):
    """Adagrad, at a rate that is large for every way."""
    return from_zero(w, gradient, t, total, learning_rate=1e4)


def fitted(w, gradient, t, total=0.0, *, learning_rate=0.001):
    """Adagrad, at the rate that is right for the ways of some steps."""
    return from_zero(w, gradient, t, total, learning_rate=3.0)


def by_the_clock(w, gradient, t, total=0.0, *, learning_rate=0.001):
    """A rate that grows with the number of the step, come what may."""
    return from_zero(w, gradient, t, total, learning_rate=learning_rate * 1.1**t)


def undamped(w, gradient, t, *, learning_rate=0.001):
    """Gradient descent, at a rate that is good for the ravine."""
    return optimizers.gradient_descent(w, gradient, t, learning_rate=0.6)


HOW_FAR = Task(
    name="08.6",
    title="Nobody tells it how far",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=journeys,
    probe=probes.path,
    reference=far_so_far,
    lacks=lacks_arrival,
    mistakes=(
        Mistake(
            as_told,
            "This rule has stayed within 2 alpha sqrt(T) of its start, as Adagrad "
            "must: the rate is its guess of the way, and the guess is bad. What can "
            "it learn about the way while it walks?",
            when=lambda points, surface, start, steps, settings, moved: (
                walked(points, start)[0] < 2 * RATE * np.sqrt(steps)
            ),
        ),
        Mistake(
            bold,
            "The first leap goes a thousand times too far. On a bowl that does no "
            "harm, but out here the ground is another, and the way back is long. "
            "Begin with the small rate that is given.",
            when=lambda points, surface, start, steps, settings, moved: (
                walked(points[:1], start)[0] > 1000 * to_go(surface, start)
            ),
        ),
        Mistake(
            undamped,
            "In the ravine this was a good rate for the gradient. Here the gradients "
            "are a hundred times as large, and the path leaves the picture. Divide by "
            "the root of the sum, as Adagrad does; then alpha is a length.",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "himmelblau" and not np.isfinite(points[20][0]).all()
            ),
        ),
        Mistake(
            by_the_clock,
            "The guess grows on when the weight has long arrived, and drives it out "
            "again. It should stop growing when nothing is left to walk; neither the "
            "clock nor the length of the path does.",
            when=lambda points, surface, start, steps, settings, moved: (
                not walked(points, start)[1] < 3 * to_go(surface, start)
            ),
        ),
        Mistake(
            fitted,
            "It is still walking when the time is up. Whatever number is right for "
            "one way is too small for a longer one; the rule has to find out. How far "
            "has it been from its start?",
            when=lambda points, surface, start, steps, settings, moved: (
                walked(points, start)[0] < to_go(surface, start)
            ),
        ),
    ),
)

TASKS = [ADAGRAD, EQUAL_AND_SHRINKING, UNITS, SPARSE, AFTER_THE_WALL, HOW_FAR]
