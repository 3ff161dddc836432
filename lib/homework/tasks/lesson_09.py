"""Lesson 09: RMSprop."""

import numpy as np

from lib import optimizers, surfaces
from lib.averages import debias, ewma, ewma_series
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near, told_apart

# 09.1


def descents(rng):
    """Two steps to do by hand, a valley, and an epsilon that is large enough to be seen."""
    start = tuple(float(x) for x in rng.uniform((0.0, 2.5), (2.0, 3.5)).round(2))
    rate, rho = round(rng.uniform(0.1, 0.3), 2), round(rng.uniform(0.7, 0.95), 2)
    epsilon = round(rng.uniform(0.2, 0.8), 2)
    by_hand = {"learning_rate": 0.3, "rho": 0.64, "epsilon": 0.0}
    return [
        ("round_bowl", (1.0, 3.0), 2, by_hand),
        (
            "zigzag",
            start,
            5,
            {"learning_rate": rate, "rho": rho, "epsilon": 0.0},
        ),
        (
            "ravine",
            start,
            4,
            {"learning_rate": 0.2, "rho": 0.8, "epsilon": epsilon},
        ),
    ]


def swapped(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """The decay on the wrong side."""
    return optimizers.rmsprop(
        w, gradient, t, v, learning_rate=learning_rate, rho=1 - rho, epsilon=epsilon
    )


def outside(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Epsilon is added to the root."""
    return optimizers.rmsprop_outside(
        w, gradient, t, v, learning_rate=learning_rate, rho=rho, epsilon=epsilon
    )


def rootless(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Divides by the average itself."""
    g = gradient(w)
    v = ewma(v, g * g, rho)
    return w - learning_rate * g / (v + epsilon), v


def leaking(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """A sum that forgets, without the share of the new."""
    g = gradient(w)
    v = rho * v + g * g
    return w - learning_rate * g / np.sqrt(v + epsilon), v


def corrected(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """With the correction that RMSprop does without."""
    g = gradient(w)
    v = ewma(v, g * g, rho)
    return w - learning_rate * g / np.sqrt(debias(v, rho, t) + epsilon), v


def late(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Divides by the average as it was before this gradient."""
    g = gradient(w)
    with np.errstate(all="ignore"):
        w = w - learning_rate * g / np.sqrt(v + epsilon)
    return w, ewma(v, g * g, rho)


def squared_late(w, gradient, t, v=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    """Averages the gradient first, and squares the average."""
    v = ewma(v, gradient(w), rho)
    return w - learning_rate * gradient(w) / np.sqrt(v * v + epsilon), v


RMSPROP = Task(
    name="09.1",
    title="From the sum to the average",
    kind="implement",
    stars=1,
    answer="rmsprop",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.rmsprop,
    mistakes=(
        Mistake(
            swapped,
            "rho and 1 - rho have changed places: rho is the share of the old average "
            "that is kept.",
        ),
        Mistake(
            leaking,
            "The new square has lost its factor 1 - rho. This is a sum that leaks, "
            "and v is 1 / (1 - rho) times too large.",
        ),
        Mistake(
            rootless,
            "This divides by the average of the squares. The root is what has the "
            "size of a gradient.",
        ),
        Mistake(
            outside,
            "Epsilon stands beside the root. That is PyTorch's rule; here, as in "
            "Keras, it stands inside.",
        ),
        Mistake(
            corrected,
            "The average is corrected for its start at zero. That is a good idea, and "
            "Adam's; RMSprop does without.",
        ),
        Mistake(
            late,
            "The step divides by the average as it was before this gradient, which is "
            "zero in the first step. First average, then divide.",
        ),
        Mistake(
            squared_late,
            "This averages the gradients and squares the average. Gradients of either "
            "sign would cancel in it; square first, then average.",
        ),
    ),
)

# 09.2

BEFORE_THE_RUN = Task(
    name="09.2",
    title="Three numbers before the run",
    kind="predict",
    stars=1,
    answer="step_growth_bounce",
    reference=(
        0.03 / np.sqrt(1 - 0.64),
        1 / np.sqrt(0.64),
        np.sqrt(0.03**2 / 4 - 0.0324 / 20**2),
    ),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.03, 1.25, 0.012),
            "Adagrad's first step is as long as the rate. Here the first square "
            "enters the average with the share 1 - rho only, and so the root is too "
            "small.",
            when=lambda answer: near(answer[0], 0.03),
        ),
        Mistake(
            (0.03 / 0.36, 1.25, 0.012),
            "v is 0.36 of the square, that is right. The step is divided by its root.",
            when=lambda answer: near(answer[0], 0.03 / 0.36),
        ),
        Mistake(
            (0.03 / 0.8, 1.25, 0.012),
            "In the first step the average consists of the share 1 - rho of the new "
            "square, and not of rho.",
            when=lambda answer: near(answer[0], 0.03 / 0.8),
        ),
        Mistake(
            (0.05, 1 / 0.64, 0.012),
            "v falls to 0.64 of itself in every step, that is right. The rate is one "
            "over the root of it.",
            when=lambda answer: near(answer[1], 1 / 0.64),
        ),
        Mistake(
            (0.05, 0.8, 0.012),
            "The root of v falls by this factor. The rate has it in the denominator.",
            when=lambda answer: near(answer[1], 0.8) or near(answer[1], 0.64),
        ),
        Mistake(
            (0.05, 1.0, 0.012),
            "A rate that stays as it is when nothing comes in is Adagrad's. This "
            "average fades.",
            when=lambda answer: near(answer[1], 1.0),
        ),
        Mistake(
            (0.05, 1.25, 0.015),
            "The distance is half a rate if epsilon is negligible. Here it is not; "
            "ask for which a the jump from a to -a is as long as it has to be.",
            when=lambda answer: near(answer[2], 0.015),
        ),
        Mistake(
            (0.05, 1.25, 0.024),
            "This is the jump, from one side to the other. The question is for the "
            "distance from the minimum.",
            when=lambda answer: near(answer[2], 0.024) or near(answer[2], 0.03),
        ),
        Mistake(
            (0.05, 1.25, 0.0),
            "It does not come to rest here. The gradient is the curvature times the "
            "distance, and epsilon is compared with its square: the curvature comes "
            "in squared.",
            when=lambda answer: not answer[2] > 0,
        ),
    ),
)

# 09.3


def rides(rng):
    """A slope, a rate that is cut on the way, and a valley; epsilon large enough to be seen."""
    start = tuple(float(x) for x in rng.uniform((0.0, 2.5), (2.0, 3.5)).round(2))
    rho, momentum = rng.uniform((0.7, 0.5), (0.95, 0.9)).round(2).tolist()
    given = {"rho": 0.75, "momentum": 0.5, "epsilon": 0.0}
    cut = {"learning_rate": [0.2, 0.2, 0.02, 0.02], "rho": 0.9, "momentum": 0.9}
    drawn = {"learning_rate": 0.1, "rho": rho, "momentum": momentum, "epsilon": 0.3}
    return [
        ("slope", (0.0, 0.0), 3, {"learning_rate": 0.1, **given}),
        ("ravine", start, 4, {**cut, "epsilon": 0.0}),
        ("zigzag", start, 5, drawn),
    ]


def ridden(push=lambda g, root: g / root, share=lambda momentum: 1.0, **how):
    """RMSprop with a velocity of `push` times `share`; the step may be rescaled, the rate wait outside."""

    def rule(
        w,
        gradient,
        t,
        v=0.0,
        velocity=0.0,
        *,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.9,
        epsilon=1e-7,
    ):
        g = gradient(w)
        v = ewma(v, g * g, rho)
        root = np.sqrt(v) + epsilon if "outside" in how else np.sqrt(v + epsilon)
        rate, later = (1.0, learning_rate) if "wait" in how else (learning_rate, 1.0)
        velocity = momentum * velocity - rate * share(momentum) * push(g, root)
        return w + later * velocity / (root if "rescaled" in how else 1.0), v, velocity

    return rule


OF_WHAT = Task(
    name="09.3",
    title="Momentum of what?",
    kind="repair",
    stars=2,
    answer="with_momentum",
    inputs=rides,
    probe=probes.path,
    reference=optimizers.rmsprop_momentum,
    mistakes=(
        Mistake(
            ridden(push=lambda g, root: g, rescaled=True),
            "This velocity is made of gradients, and all of it is divided by the root "
            "of today. A push of ten steps ago was made when the root was another: it "
            "should be divided once, when it enters, by the root of its own day.",
        ),
        Mistake(
            ridden(rescaled=True),
            "Every push is divided twice, when it enters the velocity and again when "
            "the weight moves.",
        ),
        Mistake(
            ridden(push=lambda g, root: g),
            "Now nothing is divided by the root, and v is computed in vain.",
        ),
        Mistake(
            ridden(share=lambda momentum: 1 - momentum),
            "The push has a factor 1 - momentum, as in an average. The velocity of "
            "Keras is a sum.",
        ),
        Mistake(
            ridden(wait=True),
            "The rate multiplies the whole velocity. As long as it stands still that "
            "is the same path, but the velocity has to be what the weight moves by: "
            "put the rate into the push.",
        ),
        Mistake(
            ridden(outside=True),
            "Everything is right but the place of epsilon, which was right before: it "
            "belongs under the root.",
        ),
    ),
)

# 09.4


def centered(spread, **how):
    """RMSprop that divides by the root of `spread(v, m, old m)`, plus epsilon."""

    def rule(
        w, gradient, t, v=0.0, m=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7
    ):
        g = gradient(w)
        old = m
        v, m = ewma(v, g * g, rho), ewma(m, g, rho)
        told = m if "averaged" in how else g - m if "deviation" in how else g
        with np.errstate(all="ignore"):
            root = np.sqrt(spread(v, m, old) + epsilon)
        return w - learning_rate * told / root, v, m

    return rule


def deviations(
    w, gradient, t, v=0.0, m=0.0, *, learning_rate=0.001, rho=0.9, epsilon=1e-7
):
    """Averages the squares of what the gradient differs from its average by."""
    g = gradient(w)
    m = ewma(m, g, rho)
    v = ewma(v, (g - m) ** 2, rho)
    return w - learning_rate * g / np.sqrt(v + epsilon), v, m


CENTERED = Task(
    name="09.4",
    title="How sure is the gradient?",
    kind="implement",
    stars=2,
    answer="centered",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.rmsprop_centered,
    mistakes=(
        Mistake(
            centered(lambda v, m, old: v),
            "The states are right, but m is not used: this is plain RMSprop. Take its "
            "square off v, under the root.",
        ),
        Mistake(
            centered(lambda v, m, old: v - m),
            "m is taken off v, and m is a gradient where v is a gradient squared. "
            "Where m is negative this looks like RMSprop with a shorter step.",
        ),
        Mistake(
            centered(lambda v, m, old: v - old * old),
            "v has seen this gradient and m, as it is used here, has not. Update "
            "both, then divide.",
        ),
        Mistake(
            deviations,
            "Here v averages the squares of g - m. That is a spread as well, but not "
            "the same one, for m changes on the way. Average the squares of g, as in "
            "RMSprop, and take the square of m off afterward.",
        ),
        Mistake(
            centered(lambda v, m, old: v - m * m, averaged=True),
            "The divisor is right. It is the gradient that is divided, and not its "
            "average: that would be another method, and a step toward Adam.",
        ),
        Mistake(
            centered(lambda v, m, old: v - m * m, deviation=True),
            "The gradient is centered as well, g - m. Then the weight would not move "
            "at all on an even slope; only the divisor is centered.",
        ),
    ),
)

# 09.5

LONGEST, MEAN, CLIMB = 30, 0.02, 1.0


def is_deck(deck):
    """Whether it is what the task asks for: 2 to 30 numbers from -1 to 1."""
    deck = np.asarray(deck, dtype=float)
    return (
        deck.ndim == 1 and 2 <= len(deck) <= LONGEST and bool((np.abs(deck) <= 1).all())
    )


def climb(deck):
    """How far RMSprop moves per round, in learning rates, when the start is forgotten."""
    deck = np.asarray(deck, dtype=float)
    g = np.tile(deck, 1 + int(np.ceil(300 / len(deck))))
    steps = -g / np.sqrt(ewma_series(g * g, 0.9) + 1e-7)
    return steps[-len(deck) :].sum()


def lacks_climb(deck):
    """How the deck falls short: of a slope, of a climb."""
    if not is_deck(deck):
        return "2 to 30 numbers from -1 to 1"
    mean, reached = np.mean(deck), climb(deck)
    if mean >= MEAN - 1e-9 and reached >= CLIMB:
        return ""
    return (
        f"the mean of the deck is {told_apart(mean, MEAN, 4)}, at least {MEAN} is wanted; RMSprop moves by "
        f"{told_apart(reached, CLIMB)} rates per round, at least {CLIMB:g} is wanted"
    )


UPHILL = Task(
    name="09.5",
    title="Uphill",
    kind="experiment",
    stars=2,
    answer="deck",
    reference=[-0.13] * 26 + [1.0] * 4,
    lacks=lacks_climb,
    mistakes=(
        Mistake(
            [-1.0] * 9 + [10.0],
            "A list of 2 to 30 numbers, none below -1 or above 1, is what the task "
            "allows. If only the size is wrong, divide all by the largest: RMSprop "
            "does not care.",
            when=lambda deck: not is_deck(deck),
        ),
        Mistake(
            [-0.5, -0.5, 0.5],
            "The mean of this deck is not positive, and where the mean is negative to "
            "walk to the right is no mistake. Make it positive, with as few large "
            "cards as you can.",
            when=lambda deck: np.mean(deck) <= 0,
        ),
        Mistake(
            [-0.1] * 9 + [1.0],
            "It walks uphill, but the hill is too low: the mean has to be larger. "
            "Then the large cards have to weigh more, and to make up for that they "
            "need more small ones between them.",
            when=lambda deck: climb(deck) > 0 and np.mean(deck) < MEAN - 1e-9,
        ),
        Mistake(
            [-0.1] * 6 + [1.0],
            "Downhill, like everybody else. RMSprop goes wrong when it has forgotten the "
            "last large gradient by the time the small ones come: with rho = 0.9 that "
            "takes dozens of steps. And large ones that come together share one "
            "large root.",
            when=lambda deck: climb(deck) <= 0,
        ),
        Mistake(
            [-0.15] * 17 + [1.0] * 3,
            "Uphill, and the mean is right. It only is too slow: use all the cards "
            "that you are allowed, and let the small ones be as many and as small as "
            "the mean permits.",
            when=lambda deck: True,
        ),
    ),
)

# 09.6

PACE, NEAR, LAST = 0.05, 0.01, 50


def trials(rng):
    """An even slope, a valley that RMSprop bounces in, and a bowl with a very steep rim."""
    starts = rng.uniform((4.0, 0.5), (8.0, 1.8), (2, 2)).round(2).tolist()
    x = round(float(rng.choice([-1, 1]) * rng.uniform(15, 25)), 1)
    settings = {"learning_rate": 0.4}
    walks = [
        ("slope", (0.0, 0.0), int(rng.integers(200, 300)), {"learning_rate": 0.1}),
        *(("long_valley", tuple(start), 300, settings) for start in starts),
        ("two_wells", (x, 1.0), 300, settings),
    ]
    return [(*walk, elsewhere(rng)) for walk in walks]


def pace(points, settings):
    """The length of the last step on the slope, in learning rates."""
    points = np.asarray(points, dtype=float)
    return (points[-2, 0, 0] - points[-1, 0, 0]) / settings["learning_rate"]


def away(points, surface):
    """The largest distance from a minimum in the last steps, along either weight."""
    last = np.asarray(points, dtype=float)[-LAST:, 0]
    with np.errstate(all="ignore"):
        return min(
            np.abs(last - minimum).max()
            for minimum in getattr(surfaces, surface).minima
        )


def lacks_rest(points, surface, start, steps, settings, moved):
    """What of the three is missing: the pace on the slope, the rest, the way from afar."""
    if surface == "slope":
        reached = pace(points, settings)
        if abs(reached - 1) <= PACE:
            return ""
        return f"the last step is {reached:.3g} times the rate; 0.95 to 1.05 is wanted"
    distance = away(points, surface)
    if distance <= NEAR:
        return ""
    return (
        f"up to {told_apart(distance, NEAR, 2)} from the minimum in the last {LAST} of {steps} steps; "
        f"at most {NEAR} is wanted"
    )


def restful(
    w, gradient, t, v=0.0, last=0.0, trust=1.0, *, learning_rate=0.001, rho=0.9
):
    """RMSprop that trusts its rate less each time that the gradient changes its sign."""
    g = gradient(w)
    v = ewma(v, g * g, rho)
    trust = np.where(g * last < 0, 0.5 * trust, np.minimum(1.0, 1.2 * trust))
    return w - learning_rate * trust * g / np.sqrt(v + 1e-7), v, g, trust


def plain(w, gradient, t, v=0.0, *, learning_rate=0.001):
    """RMSprop."""
    return optimizers.rmsprop(w, gradient, t, v, learning_rate=learning_rate)


def by_the_clock(w, gradient, t, v=0.0, *, learning_rate=0.001):
    """A rate that falls with time."""
    return plain(w, gradient, t, v, learning_rate=learning_rate / t**0.5)


def weighty(w, gradient, t, v=0.0, *, learning_rate=0.001):
    """An epsilon so large that the valley is at rest."""
    return optimizers.rmsprop(
        w, gradient, t, v, learning_rate=learning_rate, epsilon=0.2
    )


def unforgetting(w, gradient, t, v=0.0, top=0.0, *, learning_rate=0.001):
    """The rate never rises: the largest average so far divides."""
    g = gradient(w)
    v = ewma(v, g * g, 0.9)
    top = np.maximum(top, v)
    return w - learning_rate * g / np.sqrt(top + 1e-7), v, top


def averaged(w, gradient, t, v=0.0, m=0.0, *, learning_rate=0.001):
    """The average gradient over the root of the average square."""
    g = gradient(w)
    v, m = ewma(v, g * g, 0.9), ewma(m, g, 0.9)
    return w - learning_rate * m / np.sqrt(v + 1e-7), v, m


def rocket(w, gradient, t, v=0.0, m=0.0, *, learning_rate=0.001):
    """Centered RMSprop."""
    return optimizers.rmsprop_centered(
        w, gradient, t, v, m, learning_rate=learning_rate
    )


AT_REST = Task(
    name="09.6",
    title="A rule that comes to rest",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=trials,
    probe=probes.path,
    reference=restful,
    lacks=lacks_rest,
    mistakes=(
        Mistake(
            by_the_clock,
            "On an even slope this rule gets slower and slower, by the clock or by a "
            "sum. There is no reason to: nothing there says that a minimum is near. "
            "What does a weight see when it has arrived, and never on a slope?",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "slope" and pace(points, settings) < 0.5
            ),
        ),
        Mistake(
            weighty,
            "On a slope whose gradient is one the step should be as long as the rate. "
            "A large epsilon shortens it. It brings one valley to rest, and not the "
            "next, which may be steeper.",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "slope" and pace(points, settings) < 1
            ),
        ),
        Mistake(
            rocket,
            "The last step on the slope is longer than the rate. Either the steps "
            "grow on, as those of the centered rule do without noise, or the memory "
            "is so long that the start at zero still counts.",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "slope"
            ),
        ),
        Mistake(
            plain,
            "It bounces, at half a rate from the minimum or more. On which side of it "
            "is the weight from step to step, and what does the sign of the gradient "
            "say about that?",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "long_valley" and away(points, surface) > 0.1
            ),
        ),
        Mistake(
            averaged,
            "Much better. In the average gradient the bounce all but cancels, but "
            "what is left of it, the share (1 - beta) / (1 + beta), still moves the "
            "weight. Can the step get shorter every time that it has gone too far?",
            when=lambda points, surface, start, steps, settings, moved: (
                surface == "long_valley"
            ),
        ),
        Mistake(
            unforgetting,
            "At rest in the valley, but down from the steep rim it has not arrived. "
            "If it is still on its way, it cannot forget how steep it was up there; "
            "keep the short memory of v, and stop the bounce by something else.",
            when=lambda points, surface, start, steps, settings, moved: True,
        ),
    ),
)

TASKS = [RMSPROP, BEFORE_THE_RUN, OF_WHAT, CENTERED, UPHILL, AT_REST]
