"""Lesson 10: Adadelta."""

import numpy as np

from lib import optimizers, surfaces, trace
from lib.averages import ewma
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near, told_apart

# 10.1

CONVERTED = Task(
    name="10.1",
    title="Yards to feet, dollars to quarters",
    kind="predict",
    stars=1,
    answer="factors",
    reference=(9 / 4, 3.0, 16 / 9, 9.0),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (4 / 9, 1 / 3, 9 / 16, 1 / 9),
            "These are the factors for the way back. A yard is 3 feet, so a length "
            "becomes a larger number, and a dollar becomes 4 quarters.",
            when=lambda answer: near(answer[1], 1 / 3),
        ),
        Mistake(
            (3.0, 3.0, 16 / 9, 9.0),
            "Gradient descent's rate is not a length. It multiplies a gradient, which "
            "is in dollars per yard, and the product has to be in yards.",
            when=lambda answer: near(answer[0], 3),
        ),
        Mistake(
            (9.0, 3.0, 16 / 9, 9.0),
            "There are two yards in gradient descent's rate, that is right. But it is "
            "so and so many square yards per dollar.",
            when=lambda answer: near(answer[0], 9),
        ),
        Mistake(
            (36.0, 3.0, 16 / 9, 9.0),
            "In gradient descent's rate the dollars stand below: square yards per "
            "dollar. The same thing per quarter is a smaller number.",
            when=lambda answer: near(answer[0], 36),
        ),
        Mistake(
            (9 / 4, 3.0, 4 / 3, 9.0),
            "4/3 is the factor of a gradient. RMSprop's epsilon stands under the root, "
            "beside the average of the squares.",
            when=lambda answer: near(answer[2], 4 / 3),
        ),
        Mistake(
            (9 / 4, 3.0, 9 / 16, 9.0),
            "RMSprop's epsilon is a squared gradient, and a gradient is dollars PER "
            "yard: the dollars stand above.",
            when=lambda answer: near(answer[2], 9 / 16),
        ),
        Mistake(
            (9 / 4, 3.0, 16 / 9, 3.0),
            "Adadelta's numerator as a whole is a length, that is right. But epsilon "
            "is under its root.",
            when=lambda answer: near(answer[3], 3),
        ),
        Mistake(
            (9 / 4, 3.0, 16 / 9, 16 / 9),
            "16/9 is right for Adadelta's epsilon below, where it is added to squared "
            "gradients. Above it is added to squared steps.",
            when=lambda answer: near(answer[3], 16 / 9),
        ),
    ),
)

# 10.2


def descents(rng):
    """Two steps to do by hand, the slope, and a valley with numbers drawn anew."""
    start = tuple(float(x) for x in rng.uniform((0.0, 0.5), (3.0, 1.5)).round(2))
    rho = round(rng.uniform(0.6, 0.97), 2)
    return [
        ("zigzag", (1.0, 3.0), 2, {"rho": 0.75, "epsilon": 0.01}),
        ("slope", (0.0, 0.0), 4, {"rho": 0.9, "epsilon": 1e-4}),
        ("ravine", start, 6, {"rho": rho, "epsilon": 0.02}),
    ]


def no_engine(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """Epsilon below only."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = -np.sqrt(S) / np.sqrt(G + epsilon) * g
    return w + delta, G, ewma(S, delta * delta, rho)


def uphill(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """The step has the sign of the gradient."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    return w + delta, G, ewma(S, delta * delta, rho)


def unrooted(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """The quotient of the averages themselves."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = -(S + epsilon) / (G + epsilon) * g
    return w + delta, G, ewma(S, delta * delta, rho)


def outside(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """Epsilon beside the roots."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = -(np.sqrt(S) + epsilon) / (np.sqrt(G) + epsilon) * g
    return w + delta, G, ewma(S, delta * delta, rho)


def summed(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """Sums, which forget nothing."""
    g = gradient(w)
    G = G + g * g
    delta = -np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    return w + delta, G, S + delta * delta


def exchanged(w, gradient, t, G=0.0, S=0.0, *, rho=0.95, epsilon=1e-6):
    """The shares of old and new have changed places."""
    return optimizers.adadelta_zeiler(
        w, gradient, t, G, S, rho=1 - rho, epsilon=epsilon
    )


PUBLISHED = Task(
    name="10.2",
    title="Past steps over past gradients",
    kind="implement",
    stars=1,
    answer="adadelta",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.adadelta_zeiler,
    mistakes=(
        Mistake(
            no_engine,
            "This rule does not move: S starts at zero, so the step is zero, and S "
            "stays zero. Epsilon belongs under the upper root, too.",
        ),
        Mistake(
            uphill,
            "The step has the sign of the gradient and leads uphill. Everything else "
            "is right.",
        ),
        Mistake(
            unrooted,
            "This is a quotient of squares: squared steps over squared gradients. For "
            "the unit to be right each of the two needs its root.",
        ),
        Mistake(
            outside,
            "Epsilon stands beside the roots here, as in Adam. In this rule it is "
            "under both of them.",
        ),
        Mistake(
            summed,
            "G and S are sums that only grow, as in Adagrad. They should be averages: "
            "keep the share rho, and let the new square in with the rest.",
        ),
        Mistake(
            exchanged,
            "rho and 1 - rho have changed places: rho is the share of the old average "
            "that is kept.",
        ),
    ),
)

# 10.3

ENGINE = Task(
    name="10.3",
    title="Who moves first, and how far",
    kind="predict",
    stars=2,
    answer="epsilon_and_growth",
    reference=(0.6**2 * (1 - 0.91), 2.0, 8.0),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.36, 2.0, 8.0),
            "With this epsilon its root is 0.6. But the first step is longer than "
            "that: G starts at zero, and after one step it holds no more than the "
            "share 1 - rho of the squared gradient.",
            when=lambda answer: near(answer[0], 0.36),
        ),
        Mistake(
            (0.18, 2.0, 8.0),
            "This is the root of epsilon. Epsilon stands under a root, beside squares.",
            when=lambda answer: near(answer[0], 0.18),
        ),
        Mistake(
            (4.0, 2.0, 8.0),
            "1 - rho is on the wrong side: with this epsilon the first step is "
            "sqrt(4 / 0.09) = 6.7 long.",
            when=lambda answer: near(answer[0], 4),
        ),
        Mistake(
            (0.36 * 0.91, 2.0, 8.0),
            "rho is the share that G keeps, of nothing in the first step. What it "
            "lets in is 1 - rho.",
            when=lambda answer: near(answer[0], 0.36 * 0.91),
        ),
        Mistake(
            (0.0324, 4.0, 8.0),
            "Four times is what S has grown to, the average of the squared steps. The "
            "question is for the step.",
            when=lambda answer: near(answer[1], 4),
        ),
        Mistake(
            (0.0324, 1.0, 4.0),
            "These are the steps of a rule that has settled. Adadelta's never do on a "
            "slope: S gains (1 - rho) epsilon with every step, and loses nothing.",
            when=lambda answer: near(answer[1], 1),
        ),
        Mistake(
            (0.0324, 2.0, 4.0),
            "The way is four times as long if all steps have the same length. But "
            "these grow, like the root of t. Like what does their sum grow?",
            when=lambda answer: near(answer[2], 4),
        ),
        Mistake(
            (0.0324, 2.0, 16.0),
            "16 times is the way of something whose steps grow like t. These grow "
            "like the root of t only.",
            when=lambda answer: near(answer[2], 16),
        ),
    ),
)

# 10.4


def level(w, gradient, t, G=0.0, S=0.0, *, rho=0.9, epsilon=1e-4):
    """Numerator and denominator are both one step behind."""
    g = gradient(w)
    delta = -np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    return w + delta, ewma(G, g * g, rho), ewma(S, delta * delta, rho)


def ahead(w, gradient, t, G=0.0, S=0.0, *, rho=0.9, epsilon=1e-4):
    """The step is in the average that it is made of."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = -np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    S = ewma(S, delta * delta, rho)
    return w - np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g, G, S


def crossed(w, gradient, t, G=0.0, S=0.0, *, rho=0.9, epsilon=1e-4):
    """The denominator is behind, and the numerator is not."""
    g = gradient(w)
    delta = -np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    S = ewma(S, delta * delta, rho)
    delta = -np.sqrt(S + epsilon) / np.sqrt(G + epsilon) * g
    return w + delta, ewma(G, g * g, rho), S


def corrected(w, gradient, t, G=0.0, S=0.0, *, rho=0.9, epsilon=1e-4):
    """A bias correction on the denominator."""
    g = gradient(w)
    G = ewma(G, g * g, rho)
    delta = -np.sqrt(S + epsilon) / np.sqrt(G / (1 - rho**t) + epsilon) * g
    return w + delta, G, ewma(S, delta * delta, rho)


def braked(w, gradient, t, G=0.0, S=0.0, *, rho=0.9, epsilon=1e-4):
    """A first gradient taken for the average of those before it."""
    g = gradient(w)
    if t == 1:
        G = g * g
    return level(w, lambda w: g, t, G, S, rho=rho, epsilon=epsilon)


ORDER = Task(
    name="10.4",
    title="One step behind",
    kind="repair",
    stars=2,
    answer="one_behind",
    inputs=lambda rng: [
        ("slope", (0.0, 0.0), 3, {"rho": 0.9, "epsilon": 1e-4}),
        ("zigzag", (0.1, 3.0), 4, {"rho": 0.9, "epsilon": 1e-3}),
        (
            "ravine",
            tuple(float(x) for x in rng.uniform((0.0, 2.5), (3.0, 3.9)).round(2)),
            5,
            {"rho": round(rng.uniform(0.6, 0.97), 2), "epsilon": 0.01},
        ),
    ],
    probe=probes.path,
    reference=optimizers.adadelta_zeiler,
    mistakes=(
        Mistake(
            level,
            "This is gradient descent at rate 1, whatever epsilon is. In the first "
            "step both averages are zero, the roots cancel and delta is the whole "
            "gradient; so S becomes what G becomes, and they cancel again. Only S "
            "cannot know this step yet; G can know this gradient.",
        ),
        Mistake(
            ahead,
            "G is right. But now the step that is taken is not the one that S was "
            "told: S has been updated in between and moves it once more. Step by the "
            "delta that you squared.",
        ),
        Mistake(
            crossed,
            "It is the wrong one that has caught up: S, which now contains a step "
            "that is not made. What may be of this step is G, since the gradient is "
            "known.",
        ),
        Mistake(
            corrected,
            "The order is right, and then G is divided by 1 - rho**t. The published "
            "rule has no such correction: its first step is sqrt(epsilon / (1 - rho)), "
            "not sqrt(epsilon).",
        ),
        Mistake(
            braked,
            "The first step is tamed, by a G that starts at the first square. From "
            "then on the denominator is one step behind as before. Change the order, "
            "not the start.",
        ),
    ),
)

# 10.5

SAME, OTHER = 1e-6, 0.1
TRAVELERS = (
    (optimizers.adadelta_zeiler, {"rho": 0.9}),
    (optimizers.rmsprop, {"rho": 0.9, "learning_rate": 0.1}),
)


def distances(exchange):
    """How far the paths abroad are from those at home: Adadelta's and RMSprop's."""
    length, money, factor = exchange
    home = [_visit(*rule, 1.0, 1.0, 1.0) for rule in TRAVELERS]
    away = [_visit(*rule, length, money, factor) for rule in TRAVELERS]
    return [np.abs(a - b).max() for a, b in zip(home, away)]


def _visit(rule, given, length, money, factor):
    ravine = surfaces.ravine
    start = length * np.array(ravine.start)

    def gradient(w):
        return money / length * ravine.gradient(w / length)

    return trace(rule, gradient, start, 100, epsilon=0.01 * factor, **given) / length


def is_exchange(exchange):
    """Whether it is what the task asks for."""
    exchange = np.asarray(exchange, dtype=float)
    if exchange.shape != (3,) or not ((exchange > 0) & (exchange < 1e6)).all():
        return False
    return bool(2 <= exchange[0] <= 10)


def fits_above(exchange):
    """Whether epsilon is converted as a squared length."""
    return near(exchange[2], exchange[0] ** 2)


def fits_below(exchange):
    """Whether epsilon is converted as a squared gradient."""
    return near(exchange[2], (exchange[1] / exchange[0]) ** 2)


def lacks_agreement(exchange):
    """How far the paths are from what is wanted of them."""
    if not is_exchange(exchange):
        return "three positive numbers, the first from 2 to 10"
    adadelta, rmsprop = distances(exchange)
    if adadelta <= SAME and rmsprop >= OTHER:
        return ""
    return (
        f"Adadelta's paths are {adadelta:.2g} apart, RMSprop's {rmsprop:.2g}; "
        f"at most {SAME:g} and at least {OTHER} are wanted"
    )


EXCHANGE = Task(
    name="10.5",
    title="The exchange rate that it likes",
    kind="experiment",
    stars=2,
    answer="exchange",
    reference=(3.0, 9.0, 9.0),
    lacks=lacks_agreement,
    mistakes=(
        Mistake(
            (1.0, 1.0, 1.0),
            "That would be home. Lengths have to be counted in a smaller unit, of "
            "which 2 to 10 make one of the old; and all three numbers are factors, "
            "so above zero.",
            when=lambda exchange: not is_exchange(exchange),
        ),
        Mistake(
            (3.0, 1.0, 9.0),
            "Above, epsilon fits: it has become larger like a squared length. Below it "
            "stands beside squared gradients, and those have changed by another "
            "factor. You still have the money to choose.",
            when=lambda exchange: fits_above(exchange) and not fits_below(exchange),
        ),
        Mistake(
            (3.0, 1.0, 1 / 9),
            "Below, epsilon fits: it has changed like a squared gradient. Above it "
            "stands beside squared steps, which are lengths, and has not grown like "
            "them.",
            when=lambda exchange: fits_below(exchange) and not fits_above(exchange),
        ),
        Mistake(
            (3.0, 1.0, 1.0),
            "Epsilon fits nowhere. By what does a squared step grow when lengths "
            "become larger by the first factor, and by what a squared gradient, with "
            "money by the second? Epsilon stands beside both.",
            when=lambda exchange: not fits_above(exchange),
        ),
    ),
)

# 10.6

STEPS, LOSS, APART = 200, 1e-4, 1e-4


def journeys(rng):
    """Two valleys and a landscape with four minima, into other countries.

    The units are powers of two, which round alike: else a path that swings for ever
    would part from itself as numbers are rounded.
    """
    boxes = {
        "ravine": ((0.2, 2.5), (1.5, 3.9)),
        "zigzag": ((0.2, 2.5), (1.5, 3.4)),
        "himmelblau": ((0.5, 0.5), (2.0, 1.5)),
    }
    return [
        (
            name,
            tuple(rng.uniform(*box).round(2).tolist()),
            STEPS,
            2.0 ** int(rng.integers(1, 4)),
            2.0 ** int(rng.integers(7, 11)),
            elsewhere(rng, 0.5),
        )
        for name, box in boxes.items()
    ]


def apart(points, start):
    """The largest distance between the two paths, in lengths of the path at home."""
    home, away = np.asarray(points, dtype=float)
    way = np.abs(home - np.asarray(start)).max()
    return np.abs(home - away).max() / way if way > 0 else 0.0


def first_steps(points):
    """The largest move in the first step, at home and abroad, in units of home."""
    return np.abs(np.diff(np.asarray(points, dtype=float)[:, :2], axis=1)).max((1, 2))


def is_lost(points, surface):
    """Whether the path at home climbs, or leaves all bounds."""
    first, last = share_of_loss(points, surface)
    return not last <= first


def share_of_loss(points, surface):
    """The loss before the first step and after the last, at home."""
    home = np.asarray(points, dtype=float)[0]
    with np.errstate(all="ignore"):
        return getattr(surfaces, surface).value(home[[0, -1]].T)


def lacks_one_walk(points, surface, start, steps, length, money, moved):
    """What is missing: a low loss, or the same path in other units."""
    if not first_steps(points).any():
        return "a first step; the rule stays where it is"
    first, last = share_of_loss(points, surface)
    if is_lost(points, surface):
        return f"a lower loss; it goes from {first:.3g} to {last:.3g} at home"
    if not apart(points, start) <= APART:
        there = first_steps(points)[1] / first_steps(points)[0]
        return (
            f"one path: the two are {apart(points, start):.2g} apart, of the way "
            f"at home, and abroad the first step is {there:.3g} times as long"
        )
    if last <= LOSS * first:
        return ""
    return (
        f"the paths agree, but {told_apart(last / first, LOSS, 2)} of the loss is left after "
        f"{steps} steps; at most {LOSS:g} is wanted"
    )


def mine(w, gradient, t, size=0.0, sign=0.0, *, share=0.1):
    """Rprop whose first step is a share of the distance from zero."""
    new_sign = np.sign(gradient(w))
    if t == 1:
        size = share * np.linalg.norm(w, axis=0) * np.ones_like(w)
    agree = sign * new_sign
    size = size * np.where(agree > 0, 1.2, np.where(agree < 0, 0.5, 1.0))
    return w - size * new_sign, size, new_sign


def standing(w, gradient, t, G=0.0, S=0.0):
    """Adadelta without epsilon."""
    g = gradient(w)
    G = ewma(G, g * g, 0.95)
    with np.errstate(invalid="ignore"):
        delta = -np.sqrt(S) / np.sqrt(G) * g
    return w + delta, G, ewma(S, delta * delta, 0.95)


def headlong(w, gradient, t, rate=0.0):
    """Gradient descent whose rate makes the first step as long as the weights."""
    g = gradient(w)
    if t == 1:
        rate = 3 * np.linalg.norm(w, axis=0) / np.linalg.norm(g, axis=0)
    return w - rate * g, rate


def started(w, gradient, t, G=0.0, S=0.0):
    """A first step with the right unit, and then Adadelta's epsilon."""
    g = gradient(w)
    if t == 1:
        G, S = g * g, (0.03 * w) ** 2
        return w - 0.03 * np.abs(w) * np.sign(g), G, S
    return optimizers.adadelta_zeiler(w, lambda w: g, t, G, S, epsilon=0.01)


def striding(w, gradient, t):
    """Always a tenth of the weight."""
    return w - 0.1 * np.abs(w) * np.sign(gradient(w))


ONE_WALK = Task(
    name="10.6",
    title="One walk in every unit",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=journeys,
    probe=probes.abroad,
    reference=mine,
    lacks=lacks_one_walk,
    mistakes=(
        Mistake(
            standing,
            "Nothing moves. Zero is the one length that is the same in every unit, and "
            "no way to begin. Which length does a rule know before its first step?",
            when=lambda points, *given: not first_steps(points).any(),
        ),
        Mistake(
            headlong,
            "The path ends higher than it began, at home already. Its steps lead "
            "uphill, or they are too long for the curvature and nothing shortens "
            "them.",
            when=lambda points, surface, *given: is_lost(points, surface),
        ),
        Mistake(
            optimizers.adadelta_zeiler,
            "The first step is the same NUMBER in both countries, and so another "
            "length. Somewhere in your rule a constant stands for a length: a rate, or "
            "an epsilon beside squared steps. Make it a share of something that is "
            "measured in the unit of the weight.",
            when=lambda points, surface, start, steps, length, money, moved: (
                apart(points, start) > APART
                and near(first_steps(points)[1] * length, first_steps(points)[0])
            ),
        ),
        Mistake(
            optimizers.gradient_descent,
            "The first step goes with the gradient, so the money is still in it, and "
            "the length is, inverted. Divide the gradient by something of its own "
            "kind before you give it a length.",
            when=lambda points, surface, start, steps, length, money, moved: (
                apart(points, start) > APART
                and near(
                    first_steps(points)[1] * length**2 / money, first_steps(points)[0]
                )
            ),
        ),
        Mistake(
            started,
            "The paths part. If the first step is as long in both countries, look at "
            "what comes later: a constant that is added to something with a unit, an "
            "epsilon for instance, does not fit in both.",
            when=lambda points, surface, start, *given: apart(points, start) > APART,
        ),
        Mistake(
            striding,
            "One walk in both countries, but it does not arrive. A step that is always "
            "the same share of the weight jumps to and fro over the minimum. What could "
            "tell it to become shorter?",
            when=lambda *given: True,
        ),
    ),
)

TASKS = [CONVERTED, PUBLISHED, ENGINE, ORDER, EXCHANGE, ONE_WALK]
