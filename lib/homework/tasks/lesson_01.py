"""Lesson 01: gradient descent."""

import numpy as np

from lib import optimizers, surfaces
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near, told_apart

# 01.1


def descents(rng):
    """Two steps to do by hand, a rate that falls on the way, and a hilly landscape."""
    start = tuple(rng.uniform((0.0, 0.5), (2.5, 3.5)).round(2).tolist())
    hill = tuple(rng.uniform((-2.0, 0.5), (-0.5, 2.0)).round(2).tolist())
    return [
        ((0.5, 1.5), (4.0, -2.0), 2, {"learning_rate": 0.2}),
        ("zigzag", start, 4, {"learning_rate": [0.4, 0.4, 0.1, 0.1]}),
        ("himmelblau", hill, 3, {"learning_rate": 0.01}),
    ]


def climbing(w, gradient, t, *, learning_rate=0.01):
    """Up, not down."""
    return w + learning_rate * gradient(w)


def by_sign(w, gradient, t, *, learning_rate=0.01):
    """Every weight by the same distance."""
    return w - learning_rate * np.sign(gradient(w))


def by_length(w, gradient, t, *, learning_rate=0.01):
    """Every step of the same length."""
    g = gradient(w)
    return w - learning_rate * g / np.sqrt((g * g).sum())


def move_only(w, gradient, t, *, learning_rate=0.01):
    """The step instead of the point it leads to."""
    return -learning_rate * gradient(w)


def tiring(w, gradient, t, *, learning_rate=0.01):
    """Steps that shrink with the number of the step."""
    return w - learning_rate / t * gradient(w)


def one_by_one(w, gradient, t, *, learning_rate=0.01):
    """Each weight sees where those before it have gone."""
    w = w.copy()
    for i in range(len(w)):
        w[i] -= learning_rate * gradient(w)[i]
    return w


DOWNHILL = Task(
    name="01.1",
    title="Downhill",
    kind="implement",
    stars=1,
    answer="downhill",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.gradient_descent,
    mistakes=(
        Mistake(
            climbing,
            "This walker goes uphill: the step has the direction of the gradient, and "
            "the gradient points to where the loss rises.",
        ),
        Mistake(
            by_sign,
            "Only the sign of the gradient is used, so that every weight moves by the "
            "same distance, however steep it is there. Leave the gradient its length.",
        ),
        Mistake(
            by_length,
            "The direction is right, but every step has the length of the rate, "
            "because the gradient is divided by its own length. The step has to fade "
            "with the slope.",
        ),
        Mistake(
            move_only,
            "This is the move. What is wanted is the place that it leads to.",
        ),
        Mistake(
            tiring,
            "The first step is right, and the later ones are divided by `t`. The rate "
            "is not the rule's to change: whoever wants it to fall passes another one.",
        ),
        Mistake(
            one_by_one,
            "The first weight is right. For the second one the gradient was taken where "
            "the first had already moved. All weights move at once: ask for the "
            "gradient once, at the old point.",
        ),
    ),
)

# 01.2

STEEP, FLAT = 6.0, 1.0

TWO_RATES = Task(
    name="01.2",
    title="Two numbers before the first step",
    kind="predict",
    stars=1,
    answer="limit_and_best",
    reference=(2 / STEEP, 2 / (STEEP + FLAT)),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (2 / 3, 2 / 3.5),
            "The limit is twice too high: 3 is the coefficient, but the slope along "
            "w1 is 6 (w1 + 1). The curvature is the factor in the slope. (And so it "
            "is for w2.)",
            when=lambda answer: near(answer[0], 2 / 3),
        ),
        Mistake(
            (2 / FLAT, 2 / 7),
            "This limit is that of w2, the flat direction. At such a rate w1 would "
            "jump farther with every step.",
            when=lambda answer: near(answer[0], 2 / FLAT),
        ),
        Mistake(
            (1 / STEEP, 1 / STEEP),
            "At the first of your rates the steep direction arrives in a single step. "
            "That is comfortable, and not yet the limit: it may overshoot, as long as "
            "it lands less far away than it was.",
            when=lambda answer: near(answer[0], 1 / STEEP),
        ),
        Mistake(
            (2 / STEEP, 1 / STEEP),
            "Your second rate is perfect for w1, whose factor is 0, while that of w2 "
            "is still 5/6. A little more would help w2 more than it hurts w1; until "
            "when?",
            when=lambda answer: near(answer[1], 1 / STEEP),
        ),
        Mistake(
            (2 / STEEP, 2 / 3.5),
            "The limit is right, and your second rate is not below it. There w1 never "
            "arrives, and the slower of the two directions is what counts.",
            when=lambda answer: near(answer[0], 2 / STEEP) and answer[1] > 0.33,
        ),
    ),
)

# 01.3


def batches(rng):
    """One example, a few, all of them, and one that was drawn twice."""
    x = [1.0, -2.0, 0.5, 3.0, -1.5]
    y = [0.5, -1.0, 1.0, 2.0, 0.0]
    count = 6
    drawn_x = rng.normal(0, 2, count).round(1).tolist()
    drawn_y = rng.normal(1, 2, count).round(1).tolist()
    w = rng.normal(0, 1, 2).round(2).tolist()
    return [
        ([1.0, 0.5], x, y, [0, 3, 2]),
        ([1.0, 0.5], x, y, [1]),
        ([-0.5, 2.0], x, y, [4, 0]),
        (w, drawn_x, drawn_y, rng.permutation(count)[:4].tolist()),
        (w, drawn_x, drawn_y, [5, 1, 5]),
        (w, drawn_x, drawn_y, list(range(count))),
    ]


def sums(w, x, y, batch):
    """What the examples of a batch say, added up."""
    x, y = np.array(x)[batch], np.array(y)[batch]
    error = w[0] * x + w[1] - y
    return np.array([(error * x).sum(), error.sum()])


BATCH = Task(
    name="01.3",
    title="A batch that shouts",
    kind="repair",
    stars=2,
    answer="batch_gradient",
    inputs=batches,
    probe=probes.call,
    reference=lambda w, x, y, batch: sums(w, x, y, batch) / len(batch),
    mistakes=(
        Mistake(
            lambda w, x, y, batch: -sums(w, x, y, batch),
            "Two things are wrong here. Who steps against this goes uphill; and a "
            "batch that is twice as large makes it about twice as long. Differentiate "
            "half the square of one error first, then think of the mean.",
        ),
        Mistake(
            sums,
            "The direction is right now. But this is the sum over the batch: with "
            "many examples it is long, with few it is short, as if each batch size "
            "had a rate of its own.",
        ),
        Mistake(
            lambda w, x, y, batch: -sums(w, x, y, batch) / len(batch),
            "The length is right now, and the sign is wrong. If a forecast is too "
            "high and x is positive, the loss rises with the weight: then the slope "
            "is positive.",
        ),
        Mistake(
            lambda w, x, y, batch: sums(w, x, y, batch) / len(x),
            "The sum is over the batch, but it is divided by the number of all the "
            "examples. Small batches then whisper, where they shouted before.",
        ),
        Mistake(
            lambda w, x, y, batch: -sums(w, x, y, batch) / len(x),
            "The sum is over the batch, but it is divided by the number of all the "
            "examples; and the sign is still wrong.",
        ),
        Mistake(
            lambda w, x, y, batch: sums(w, x, y, range(len(x))) / len(x),
            "This is the mean over all the examples. Ask only those of the batch.",
        ),
        Mistake(
            lambda w, x, y, batch: 2 * sums(w, x, y, batch) / len(batch),
            "This is twice as long as it should be. The loss is HALF the mean of the "
            "squares.",
        ),
    ),
)

# 01.4

CURVATURES = np.array([5.0, 0.8])


def is_pair(rates):
    """Whether it is what the task asks for: two numbers above zero."""
    rates = np.asarray(rates, dtype=float)
    return rates.shape == (2,) and bool((rates > 0).all() and np.isfinite(rates).all())


def left(rates):
    """What two steps leave of the distance to the minimum, along each weight."""
    first, second = np.asarray(rates, dtype=float)
    return (1 - first * CURVATURES) * (1 - second * CURVATURES)


def lacks_arrival(rates):
    """How much is left."""
    if not is_pair(rates):
        return "two learning rates above zero"
    if (np.abs(left(rates)) <= 1e-6).all():
        return ""
    along = " and ".join(
        f"w{i} by {part:.4g}" for i, part in enumerate(left(rates) + 0, 1)
    )
    return f"two steps multiply the distance along {along}; both should be 0"


TWO_STEPS = Task(
    name="01.4",
    title="Two steps, and home",
    kind="experiment",
    stars=2,
    answer="rates",
    reference=(1.25, 0.2),
    lacks=lacks_arrival,
    mistakes=(
        Mistake(
            (0.2,),
            "Two rates are wanted, one for each step, both above zero: (0.3, 0.1), "
            "say.",
            when=lambda rates: not is_pair(rates),
        ),
        Mistake(
            (0.4, 2.5),
            "These are one over the coefficients. The curvature, by which the slope "
            "grows with the distance, is twice the coefficient.",
            when=lambda rates: (
                near(min(rates), 1 / CURVATURES[0] * 2)
                and near(max(rates), 1 / CURVATURES[1] * 2)
            ),
        ),
        Mistake(
            (2 / 5.8, 2 / 5.8),
            "Twice the same rate leaves the square of what it leaves once. Since no "
            "single rate is right for both weights, the two steps have to differ.",
            when=lambda rates: near(rates[0], rates[1]),
        ),
        Mistake(
            (0.2, 0.39),
            "One of the weights is home after one of the steps. There its slope is "
            "zero, and it stays, whatever the other rate is. So the other rate need "
            "not care for it, nor for its limit.",
            when=lambda rates: (np.abs(left(rates)) <= 1e-6).any(),
        ),
        Mistake(
            (0.3, 0.1),
            "A step at rate a multiplies the distance along a weight by 1 - a times "
            "its curvature, and two steps multiply it by the product of two such "
            "factors. When is a product zero?",
            when=lambda rates: True,
        ),
    ),
)

# 01.5

RATE, SIZE = 0.5, 6


def calm(size):
    """The rate at which batches of `size` leave the floor that `SIZE` leave at `RATE`."""
    floor = RATE / (2 - RATE) * size / SIZE
    return 2 * floor / (1 + floor)


SAME_DANCE = Task(
    name="01.5",
    title="The same dance with fewer",
    kind="predict",
    stars=2,
    answer="rates_for_2_and_1",
    reference=(calm(2), calm(1)),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (1 / 6, 1 / 12),
            "A third of the examples, a third of the rate: for small rates that is "
            "so, since then the floor goes like half the rate. But 0.5 is not small. "
            "Solve the formula with its 2 - rate in it.",
            when=lambda answer: near(answer[0], 1 / 6),
        ),
        Mistake(
            (RATE / 3**0.5, RATE / 6**0.5),
            "The error of a batch goes with the root of its size. But the floor is a "
            "mean SQUARE, and squares of errors go with the size itself.",
            when=lambda answer: near(answer[0], RATE / 3**0.5),
        ),
        Mistake(
            (1.5, 3.0),
            "Fewer examples make more noise, and a larger rate makes more of it. The "
            "rate has to come down.",
            when=lambda answer: answer[0] >= RATE,
        ),
        Mistake(
            (calm(2), calm(2) / 2),
            "The first is right. The second is half of it, and half the rate does not "
            "quite halve the floor: solve the formula once more.",
            when=lambda answer: (
                near(answer[0], calm(2)) and near(answer[1], calm(2) / 2)
            ),
        ),
    ),
)

# 01.6

SHARE = 1e-6


def bowls(rng):
    """From very flat to very steep, one of them round, others drawn anew."""
    drawn = []
    for scale in (-2, 0, 2):
        a = 10 ** rng.uniform(scale - 0.5, scale + 0.5)
        b = a * 10 ** rng.uniform(0.3, 1)
        start = rng.uniform(1.0, 4.0, 2) * rng.choice([-1, 1], 2)
        pair = tuple(float(f"{x:.2g}") for x in (a, b))
        drawn.append((pair, tuple(start.round(1).tolist()), 60, {}))
    bowls = [
        ((0.004, 0.03), (3.0, -2.0), 60, {}),
        ((8.0, 8.0), (-1.0, 2.5), 60, {}),
        ((300.0, 70.0), (2.0, 2.0), 60, {}),
        *drawn,
    ]
    return [(*bowl, elsewhere(rng)) for bowl in bowls]


def course(points, coefficients, start):
    """The loss at the start and after each step, as shares of the first; where it is no number, infinite."""
    w = np.vstack([start, np.asarray(points, dtype=float)[:, 0]]).T
    with np.errstate(all="ignore"):
        loss = surfaces.quadratic(coefficients).value(w)
        return np.where(np.isfinite(loss), loss / loss[0], np.inf)


def trips(points, coefficients, start, *_):
    """Whether the path was there already and then left the finite numbers."""
    share = course(points, coefficients, start)
    return np.isinf(share[-1]) and share.min() <= SHARE


def even(points, *_):
    """Whether the last two steps are of the same length."""
    w = np.asarray(points, dtype=float)[-3:, 0]
    last, before = (np.hypot(*step) for step in (w[2] - w[1], w[1] - w[0]))
    return abs(last - before) < 1e-9 * before


def lacks_bottom(points, coefficients, start, steps, *_):
    """How much of the loss is left, or when the path was lost."""
    share = course(points, coefficients, start)
    if share[-1] <= SHARE:
        return ""
    if np.isinf(share[-1]):
        return f"a finite loss: there is none from step {np.argmax(np.isinf(share))} on"
    left = f"after {steps} steps {told_apart(share[-1], SHARE, 2)} of the loss is left"
    return f"{left}; at most {SHARE:g} is wanted"


def measuring(w, gradient, t):
    """A look ahead tells the curvature along the gradient, and one over that is the rate."""
    g = gradient(w)
    change = g - gradient(w - g)
    return w - g * (g @ g) / (g @ change) if change.any() else w


def heedless(w, gradient, t):
    """The same without a thought for the end."""
    g = gradient(w)
    curvature = g @ (g - gradient(w - g)) / (g @ g)
    return w - g / curvature


def hindsight(w, gradient, t, last=0.0, told=0.0):
    """What has changed since the last step, also where there was none."""
    g = gradient(w)
    change = g - told if t > 1 else 0 * g
    return w - (change @ (w - last)) / (change @ change) * g, w, g


def bold(w, gradient, t):
    """A rate for the flattest of the bowls."""
    return w - 30 * gradient(w)


def timid(w, gradient, t):
    """Gradient descent as everybody runs it."""
    return w - 0.1 * gradient(w)


def marching(w, gradient, t):
    """Steps of one length."""
    return by_length(w, gradient, t, learning_rate=0.1)


OWN_RATE = Task(
    name="01.6",
    title="A rate of its own",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=bowls,
    probe=probes.path,
    reference=measuring,
    lacks=lacks_bottom,
    mistakes=(
        Mistake(
            hindsight,
            "Already the first step leads to no number. Before it there is no earlier "
            "gradient to compare with: begin with a short step at a rate of your "
            "choice, or ask for the gradient at a second place.",
            when=lambda points, coefficients, start, *_: np.isinf(
                course(points, coefficients, start)[1]
            ),
        ),
        Mistake(
            heedless,
            "It was at the bottom already, and then something was divided by zero. "
            "Where the gradient is zero, or no longer changes, the rule has to stay. (So "
            "near to the bottom, w - g may be rounded to w.)",
            when=trips,
        ),
        Mistake(
            bold,
            "On this bowl it runs away: the rate is above 2 over the curvature. On "
            "another bowl the same rate would be too small. The rule has to find out "
            "where it is.",
            when=lambda points, coefficients, start, *_: (
                course(points, coefficients, start)[-1] > 1
            ),
        ),
        Mistake(
            marching,
            "The steps do not get shorter. A rule with steps of one length is late "
            "where the way is long, and cannot stop where it ends. Let the step be in "
            "proportion to the slope, and measure in which.",
            when=even,
        ),
        Mistake(
            timid,
            "It goes down, but too slowly. The rate that fits is about one over the "
            "curvature, and the curvature is how much the slope changes on a way, "
            "divided by the way. Two gradients at two places will tell you.",
            when=lambda *_: True,
        ),
    ),
)

TASKS = [DOWNHILL, TWO_RATES, BATCH, TWO_STEPS, SAME_DANCE, OWN_RATE]
