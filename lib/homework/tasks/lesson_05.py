"""Lesson 05: momentum."""

import numpy as np

from lib import optimizers, surfaces, trace
from lib.averages import ewma
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near, told_apart


def descents(rng):
    """Two steps to do by hand, a valley, and a rate that is cut on the way."""
    start = tuple(float(x) for x in rng.uniform((0.0, 0.5), (4.0, 3.5)).round(2))
    return [
        ("hand_bowl", (2.0, 3.0), 2, {"learning_rate": 0.1, "momentum": 0.9}),
        ("zigzag", start, 5, {"learning_rate": 0.8, "momentum": 0.2}),
        (
            "ravine",
            (0.1, 3.5),
            4,
            {"learning_rate": [0.1, 0.1, 0.01, 0.01], "momentum": 0.9},
        ),
    ]


# 05.1


def climbing(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The gradient pushes uphill."""
    velocity = momentum * velocity + learning_rate * gradient(w)
    return w + velocity, velocity


def late(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The point moves by the velocity of the step before."""
    return w + velocity, momentum * velocity - learning_rate * gradient(w)


def unkept(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The velocity is returned as it came."""
    return w + momentum * velocity - learning_rate * gradient(w), velocity


def opposite(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The velocity is what is subtracted."""
    velocity = momentum * velocity + learning_rate * gradient(w)
    return w - velocity, velocity


def forgetful(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The velocity starts at zero in every step."""
    velocity = -learning_rate * gradient(w)
    return w + velocity, velocity


def weak(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The push has a factor that belongs to an average."""
    velocity = momentum * velocity - (1 - momentum) * learning_rate * gradient(w)
    return w + velocity, velocity


HEAVY_BALL = Task(
    name="05.1",
    title="A heavy ball",
    kind="implement",
    stars=1,
    answer="heavy_ball",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.momentum,
    mistakes=(
        Mistake(
            climbing,
            "The push of the gradient has the wrong sign: this ball is driven uphill.",
        ),
        Mistake(
            forgetful,
            "The velocity is made of this gradient alone; this is gradient descent. "
            "Keep the share `momentum` of the velocity that the rule is given.",
        ),
        Mistake(
            unkept,
            "The first step is right, but the velocity is returned as it came, so that "
            "the next step begins from rest again. Return the new one.",
        ),
        Mistake(
            opposite,
            "The points are right, and the velocity has the opposite sign. It should "
            "be what is added to w, not what is subtracted.",
        ),
        Mistake(
            late,
            "The point moves by the velocity of the step before. First the new "
            "velocity, then the move by it.",
        ),
        Mistake(
            optimizers.momentum_accumulated,
            "This is the accumulated form, PyTorch's: the point is right as long as "
            "the rate stands still, but the state is a sum of gradients. Put the rate "
            "into the velocity.",
        ),
        Mistake(
            weak,
            "The gradient enters with a factor 1 - momentum, as in an average, and "
            "every push is ten times too weak at 0.9. The velocity is a sum.",
        ),
        Mistake(
            optimizers.nesterov,
            "The gradient is taken where the velocity leads to. That is Nesterov's "
            "rule, the next lesson; here it is the gradient at w.",
        ),
    ),
)

# 05.2

SPEED_AND_EDGE = Task(
    name="05.2",
    title="How fast, and how far can it go?",
    kind="predict",
    stars=1,
    answer="speed_and_edge",
    reference=(0.02 / (1 - 0.95), 2 * (1 + 0.95) / 5),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.02, 0.78),
            "0.02 is the length of a single push. Pushes that agree add up, each with "
            "a share of 0.95 of the one after it.",
            when=lambda answer: near(answer[0], 0.02),
        ),
        Mistake(
            (0.02 / 1.95, 0.78),
            "1 / (1 + momentum) is for pushes that alternate. On a slope they all "
            "agree.",
            when=lambda answer: near(answer[0], 0.02 / 1.95),
        ),
        Mistake(
            (20.0, 0.78),
            "A push grows by the factor 20, that is right. But the push is the rate "
            "times the gradient, 0.02.",
            when=lambda answer: near(answer[0], 20),
        ),
        Mistake(
            (0.4, 0.4),
            "Your edge is that of gradient descent, 2 / curvature; with momentum it "
            "lies further out.",
            when=lambda answer: near(answer[1], 0.4),
        ),
        Mistake(
            (0.4, 3.9),
            "3.9 is the edge for the rate times the curvature; the question is for "
            "the rate.",
            when=lambda answer: near(answer[1], 3.9),
        ),
    ),
)

# 05.3


def as_printed(w, gradient, t, average=0.0, *, learning_rate=0.01, momentum=0.9):
    """The notes' mixture."""
    g = gradient(w)
    w = w - learning_rate * (g + momentum / (1 - momentum) * average)
    return w, ewma(average, g, momentum)


def half_scaled(w, gradient, t, average=0.0, *, learning_rate=0.01, momentum=0.9):
    """The factor in front of the gradient only."""
    g = gradient(w)
    w = w - learning_rate * ((1 - momentum) * g + momentum / (1 - momentum) * average)
    return w, ewma(average, g, momentum)


def told_twice(w, gradient, t, average=0.0, *, learning_rate=0.01, momentum=0.9):
    """The factor in front, but the new average in the mixture."""
    g = gradient(w)
    average = ewma(average, g, momentum)
    w = w - learning_rate * (1 - momentum) * (g + momentum / (1 - momentum) * average)
    return w, average


def summed(w, gradient, t, average=0.0, *, learning_rate=0.01, momentum=0.9):
    """The state made to fit the printed step."""
    average = momentum * average + gradient(w)
    return w - learning_rate * average, average


MIXTURE = Task(
    name="05.3",
    title="Ten times too far",
    kind="repair",
    stars=2,
    answer="averaged",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.momentum_averaged,
    mistakes=(
        Mistake(
            as_printed,
            "The average is right, the step is 1 / (1 - momentum) times too long. Put "
            "the first line of the form into the second: what stands in front of the "
            "bracket?",
        ),
        Mistake(
            half_scaled,
            "The factor 1 - momentum belongs in front of the whole bracket, and here "
            "it reaches the gradient only. The first step is right, because the "
            "average is still zero.",
        ),
        Mistake(
            told_twice,
            "The mixture is of the gradient and the OLD average; here the gradient is "
            "already in the average, and so it counts twice. Step first, or step by "
            "the new average alone.",
        ),
        Mistake(
            summed,
            "Now the state is a sum, the accumulated form. The printed step is right "
            "for that one, but the task is for the average.",
        ),
    ),
)

# 05.4


def polyak(flat, steep):
    """The best rate and momentum for curvatures from `flat` to `steep`."""
    a, b = np.sqrt(flat), np.sqrt(steep)
    return (2 / (a + b)) ** 2, ((b - a) / (b + a)) ** 2


BEST = Task(
    name="05.4",
    title="The best of both numbers",
    kind="implement",
    stars=2,
    answer="best",
    inputs=lambda rng: [
        (0.2, 2.4),
        (1.0, 100.0),
        *(tuple(rng.uniform((0.1, 1.0), (1.0, 50.0)).round(1).tolist()) for _ in "ab"),
    ],
    probe=probes.call,
    reference=polyak,
    mistakes=(
        Mistake(
            lambda flat, steep: (
                polyak(flat, steep)[0],
                np.sqrt(polyak(flat, steep)[1]),
            ),
            "The rate is right. The fraction of the roots is the ROOT of the momentum.",
        ),
        Mistake(
            lambda flat, steep: (
                polyak(flat, steep)[0],
                ((steep - flat) / (steep + flat)) ** 2,
            ),
            "The rate is right. The momentum is made of the curvatures; it should be "
            "made of their roots.",
        ),
        Mistake(
            lambda flat, steep: (2 / (flat + steep), 0.0),
            "This is the best that can be done without momentum.",
        ),
        Mistake(
            lambda flat, steep: (polyak(1.0, steep / flat)[0], polyak(flat, steep)[1]),
            "The momentum is right; it depends on the condition number alone. The "
            "rate does not: this one is for a smallest curvature of 1.",
        ),
        Mistake(
            lambda flat, steep: polyak(flat, steep)[::-1],
            "The two numbers have changed places: first the rate, then the momentum.",
        ),
    ),
)

# 05.5

WELLS = surfaces.two_wells
RIDGE = 0.209


def ends(start):
    """Where gradient descent and momentum 0.9 end, along the first coordinate."""
    points = np.array(start, dtype=float)[:, None] * np.ones(2)
    momentum = np.array([0.0, 0.9])
    return trace(
        optimizers.momentum,
        WELLS.gradient,
        points,
        400,
        learning_rate=0.05,
        momentum=momentum,
    )[-1, 0]


def is_in_window(start):
    """Whether it is a point of the picture."""
    if np.shape(start) != (2,):
        return False
    return all(low <= x <= high for x, (low, high) in zip(start, WELLS.window))


def lacks_harm(start):
    """Where the two end instead."""
    if not is_in_window(start):
        return "a point (w1, w2) with w1 from -2 to 2 and w2 from -1.5 to 1.5"
    plain, heavy = ends(start)
    if plain < RIDGE < heavy:
        return ""
    return f"gradient descent ends at w1 = {plain:.2f}, momentum at {heavy:.2f}; -1.09 and 0.88 are wanted"


HARM = Task(
    name="05.5",
    title="Where momentum does harm",
    kind="experiment",
    stars=2,
    answer="start",
    reference=(-1.95, 0.0),
    lacks=lacks_harm,
    mistakes=(
        Mistake(
            (-3.0, 0.0),
            "The idea may be right, but the point has to lie in the window of the "
            "picture.",
            when=lambda start: not is_in_window(start),
        ),
        Mistake(
            (1.8, 1.0),
            "From here momentum does good: it leaves the shallow well, where gradient "
            "descent stays. You want it the other way round, so begin on the other "
            "side.",
            when=lambda start: ends(start)[0] > RIDGE > ends(start)[1],
        ),
        Mistake(
            (0.8, 0.0),
            "Both end in the shallow well. Gradient descent ends in the well on whose "
            "side it starts, so begin left of the ridge between the wells, which is "
            "at w1 = 0.21.",
            when=lambda start: ends(start)[0] > RIDGE,
        ),
        Mistake(
            (-1.0, 1.0),
            "Both end in the deep well. The ball does not arrive at the ridge with "
            "enough speed to cross it: where on this side would it pick up more?",
            when=lambda start: True,
        ),
    ),
)

# 05.6

PUSHES, LOSS = 5, 1e-6


def trials(rng):
    """A steady slope, and the valley from its own and other starts."""
    starts = [
        (0.1, 3.0),
        *(tuple(rng.uniform((-0.5, 0.5), (4.5, 3.5)).round(2).tolist()) for _ in "abc"),
    ]
    walks = [
        ("slope", (0.0, 0.0), int(rng.integers(40, 80)), {"learning_rate": 0.1}),
        *(("zigzag", start, 60, {"learning_rate": 0.8}) for start in starts),
    ]
    return [(*walk, elsewhere(rng)) for walk in walks]


def speed(points, settings):
    """The length of the last step on the slope, in pushes."""
    points = np.asarray(points, dtype=float)
    return (points[-2, 0, 0] - points[-1, 0, 0]) / settings["learning_rate"]


def final_loss(points):
    """The loss in the valley after the last step."""
    with np.errstate(all="ignore"):
        return surfaces.zigzag.value(np.asarray(points, dtype=float)[-1, 0])


def creeps(points):
    """Whether the point crosses the valley as gradient descent does, to 0.92 of its distance."""
    across = np.asarray(points, dtype=float)[-2:, 0, 1] - 2
    return bool(abs(across[1] + 0.92 * across[0]) < 1e-3 * abs(across[0]))


def lacks_both(points, surface, start, steps, settings, moved):
    """What of the two is missing: speed on the slope, or a low loss in the valley."""
    if surface == "slope":
        reached = speed(points, settings)
        if reached >= PUSHES:
            return ""
        times = told_apart(reached, PUSHES)
        return f"the last step is {times} times a single push; at least {PUSHES} times is wanted"
    loss = final_loss(points)
    return (
        ""
        if loss <= LOSS
        else f"the loss after {steps} steps is {told_apart(loss, LOSS, 2)}; at most {LOSS:g} is wanted"
    )


def own(w, gradient, t, velocity=0.0, *, learning_rate=0.1, momentum=0.9):
    """Momentum that brakes, in each weight, while the velocity points uphill."""
    g = gradient(w)
    kept = np.where(velocity * g > 0, 0.2, momentum)
    velocity = kept * velocity - learning_rate * g
    return w + velocity, velocity


def all_or_nothing(w, gradient, t, velocity=0.0, *, learning_rate=0.1, momentum=0.9):
    """The velocity is dropped while it points uphill."""
    g = gradient(w)
    velocity = np.where(velocity * g > 0, 0.0, momentum * velocity) - learning_rate * g
    return w + velocity, velocity


def light(w, gradient, t, velocity=0.0, *, learning_rate=0.1, momentum=0.2):
    """Momentum with a short memory."""
    return optimizers.momentum(
        w, gradient, t, velocity, learning_rate=learning_rate, momentum=momentum
    )


def heavy(w, gradient, t, velocity=0.0, *, learning_rate=0.1, momentum=0.9):
    """Momentum with a long memory."""
    return optimizers.momentum(
        w, gradient, t, velocity, learning_rate=learning_rate, momentum=momentum
    )


OWN = Task(
    name="05.6",
    title="A rule of your own",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=trials,
    probe=probes.path,
    reference=own,
    lacks=lacks_both,
    mistakes=(
        Mistake(
            optimizers.gradient_descent,
            "On the slope every step is a push and no more: this rule has no memory.",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "slope" and near(speed(points, settings), 1)
            ),
        ),
        Mistake(
            light,
            "The memory is too short for the slope: pushes that agree add up to 1 / "
            "(1 - momentum) of one. In the valley a short one is good, so neither a "
            "small nor a large share serves both. What tells the two apart?",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "slope"
            ),
        ),
        Mistake(
            optimizers.nesterov,
            "In the valley the path leaves all bounds: at this rate the curvature "
            "across is near the edge of stability, and your rule has an edge further "
            "in.",
            when=lambda points, surface, start, steps, settings, moved: (
                not final_loss(points) < 1e3
            ),
        ),
        Mistake(
            all_or_nothing,
            "The swinging is over, but now the path crosses the valley like gradient "
            "descent, whose distance shrinks by 0.92 per step: in that direction "
            "nothing is remembered any more. A little memory would help, as 0.2 does.",
            when=lambda points, surface, start, steps, settings, moved: creeps(points),
        ),
        Mistake(
            heavy,
            "On the slope it is fast; in the valley it swings, and keeps 0.95 of its "
            "swing per step, which is the root of 0.9. Look at each weight by itself: "
            "when does its velocity point uphill, and how much of it is worth keeping "
            "then?",
            when=lambda points, surface, start, steps, settings, moved: True,
        ),
    ),
)

TASKS = [HEAVY_BALL, SPEED_AND_EDGE, MIXTURE, BEST, HARM, OWN]
