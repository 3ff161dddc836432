"""Lessons 11 and 11b: Adam, Nadam, and what came after."""

import numpy as np

from lib import optimizers, trace
from lib.averages import debias, ewma
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import near, told_apart

# 11.1


def drawn(rng):
    """A start in the ravine, and decay rates that tell each other apart."""
    start = tuple(float(x) for x in rng.uniform((0.0, 2.5), (3.0, 3.9)).round(2))
    return start, {
        "learning_rate": 0.2,
        "beta_1": round(rng.uniform(0.7, 0.85), 2),
        "beta_2": round(rng.uniform(0.9, 0.99), 3),
    }


def descents(rng):
    """Two steps to do by hand, the slope, and a valley with a large epsilon."""
    by_hand = {"learning_rate": 0.5, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.01}
    start, rates = drawn(rng)
    return [
        ("zigzag", (1.0, 3.0), 2, by_hand),
        ("slope", (0.0, 0.0), 4, {"learning_rate": 0.1, "epsilon": 1e-8}),
        ("ravine", start, 6, {**rates, "epsilon": 0.3}),
    ]


def rule(step):
    """The rule that keeps both averages and steps by a quotient of its own."""

    def own(
        w,
        gradient,
        t,
        m=0.0,
        v=0.0,
        *,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
    ):
        g = gradient(w)
        old = m
        m, v = ewma(m, g, beta_1), ewma(v, g * g, beta_2)
        past = {"g": g, "old": old, "t": t, "b1": beta_1, "b2": beta_2}
        past["learning_rate"] = learning_rate
        return w - learning_rate * step(m, v, epsilon, **past), m, v

    return own


@rule
def half(m, v, epsilon, t, b2, **past):
    """Only the second moment is corrected."""
    return m / (np.sqrt(debias(v, b2, t)) + epsilon)


@rule
def other_half(m, v, epsilon, t, b1, **past):
    """Only the first moment is corrected."""
    return debias(m, b1, t) / (np.sqrt(v) + epsilon)


@rule
def unrooted(m, v, epsilon, t, b1, b2, **past):
    """The second moment itself below."""
    return debias(m, b1, t) / (debias(v, b2, t) + epsilon)


@rule
def without_brackets(m, v, epsilon, t, b1, b2, learning_rate, **past):
    """Epsilon is subtracted from the step, or added to the new point."""
    return debias(m, b1, t) / np.sqrt(debias(v, b2, t)) - epsilon / learning_rate


@rule
def exchanged(m, v, epsilon, t, b1, b2, **past):
    """Each is divided by the weight of the other."""
    return debias(m, b2, t) / (np.sqrt(debias(v, b1, t)) + epsilon)


def stored(
    w,
    gradient,
    t,
    m=0.0,
    v=0.0,
    *,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
):
    """The corrected averages are kept."""
    g = gradient(w)
    m = debias(ewma(m, g, beta_1), beta_1, t)
    v = debias(ewma(v, g * g, beta_2), beta_2, t)
    return w - learning_rate * m / (np.sqrt(v) + epsilon), m, v


ADAM = Task(
    name="11.1",
    title="Two averages and a quotient",
    kind="implement",
    stars=1,
    answer="adam",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.adam_paper,
    mistakes=(
        Mistake(
            optimizers.adam_uncorrected,
            "Both averages are right, and neither is corrected: at t = 1 m is only "
            "1 - beta_1 of the gradient, and v only 1 - beta_2 of its square.",
        ),
        Mistake(
            stored,
            "The corrected averages have become the state, and the next step corrects "
            "them again. Return m and v as they are, and give the corrected ones names "
            "of their own.",
        ),
        Mistake(
            half,
            "v is corrected, m is not: this begins too slowly.",
        ),
        Mistake(
            other_half,
            "m is corrected, v is not. Its root is too small at first, so the steps "
            "are too long.",
        ),
        Mistake(
            without_brackets,
            "Epsilon is added to the new point here, for want of a pair of brackets. It "
            "belongs to the root, below the fraction.",
        ),
        Mistake(
            exchanged,
            "Each average is corrected by the other's decay rate. m has been made with "
            "beta_1, v with beta_2.",
        ),
        Mistake(
            unrooted,
            "Below stands the average of the SQUARES. The quotient has no unit as long "
            "as its root is taken.",
        ),
        Mistake(
            optimizers.adam_inside,
            "Everything is right but for epsilon, which is under the root here. The "
            "paper adds it to the root.",
        ),
        Mistake(
            optimizers.adam,
            "This is the order of Keras: epsilon meets the root of v before the "
            "correction. The paper adds it to the root of the corrected v.",
        ),
    ),
)

# 11.2

LONGEST = 0.03 * (1 - 0.8) / np.sqrt((1 - 0.99) * (1 - 0.8**2 / 0.99))

LENGTHS = Task(
    name="11.2",
    title="How long is a step?",
    kind="predict",
    stars=1,
    answer="steps",
    reference=(0.03, 0.06, LONGEST),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (7.5, 0.06, LONGEST),
            "7.5 is the rate times the gradient, the step of gradient descent. What "
            "does Adam's quotient make of a single gradient, however large?",
            when=lambda answer: near(abs(answer[0]), 7.5),
        ),
        Mistake(
            (-0.03, 0.06, LONGEST),
            "The first step has the right length, but the gradient is negative, and a "
            "step goes against it.",
            when=lambda answer: near(answer[0], -0.03),
        ),
        Mistake(
            (0.06, 0.06, LONGEST),
            "The first step is that long if neither average is corrected. Adam "
            "corrects both.",
            when=lambda answer: near(answer[0], 0.06),
        ),
        Mistake(
            (0.03, 0.03, LONGEST),
            "After a thousand zeros the corrections are over: the averages have their "
            "full weight, of zeros. Of the news m takes in 0.2, and v 0.01 of its "
            "square.",
            when=lambda answer: near(answer[1], 0.03),
        ),
        Mistake(
            (0.03, 0.006, LONGEST),
            "This is the rate times the share that m takes in. It is still to be "
            "divided by the root of what v takes in.",
            when=lambda answer: near(answer[1], 0.006),
        ),
        Mistake(
            (0.03, 0.6, LONGEST),
            "m takes in 0.2 of the news and v 0.01 of its square. You have left out "
            "the root below.",
            when=lambda answer: near(answer[1], 0.6) or near(answer[1], 0.6 / 7),
        ),
        Mistake(
            (0.03, 0.06, 0.06),
            "0.06 is what a single gradient achieves after zeros. Gradients that grow "
            "from step to step achieve more.",
            when=lambda answer: near(answer[2], 0.06),
        ),
        Mistake(
            (0.03, 0.06, 0.03 * 7.27),
            "7.27 times the rate is the limit with the usual decay rates, 0.9 and "
            "0.999. Here they are 0.8 and 0.99.",
            when=lambda answer: near(answer[2], 0.03 * 7.27),
        ),
        Mistake(
            (0.03, 0.06, 0.06 / (1 - 0.8**2 / 0.99)),
            "Both factors of the limit's denominator are under the root.",
            when=lambda answer: near(answer[2], 0.06 / (1 - 0.8**2 / 0.99)),
        ),
        Mistake(
            (0.03, 0.06, 0.06 / np.sqrt(1 - 0.8 / 0.99)),
            "In the quotient of the decay rates beta_1 is squared.",
            when=lambda answer: near(answer[2], 0.06 / np.sqrt(1 - 0.8 / 0.99)),
        ),
    ),
)

# 11.3


def near_and_far(rng):
    """The slope; gradients as small as epsilon; a valley with numbers drawn anew."""
    start, rates = drawn(rng)
    small = {"learning_rate": 0.001, "epsilon": 0.01}
    return [
        ("slope", (0.0, 0.0), 12, {"learning_rate": 0.1, "epsilon": 1e-8}),
        ("zigzag", (2.9, 2.01), 3, small),
        ("ravine", start, 6, {**rates, "epsilon": 0.05}),
    ]


@rule
def stopped(m, v, epsilon, b1, b2, **past):
    """The correction of the first step for ever, and epsilon under the root."""
    return debias(m, b1, 1) / np.sqrt(debias(v, b2, 1) + epsilon)


@rule
def stopped_outside(m, v, epsilon, b1, b2, **past):
    """The correction of the first step for ever."""
    return debias(m, b1, 1) / (np.sqrt(debias(v, b2, 1)) + epsilon)


@rule
def upper_clock(m, v, epsilon, t, b1, b2, **past):
    """Only the clock of the first moment goes."""
    return debias(m, b1, t) / (np.sqrt(debias(v, b2, 1)) + epsilon)


@rule
def lower_clock(m, v, epsilon, t, b1, b2, **past):
    """Only the clock of the second moment goes."""
    return debias(m, b1, 1) / (np.sqrt(debias(v, b2, t)) + epsilon)


@rule
def early(m, v, epsilon, t, b1, b2, **past):
    """The correction of the next step."""
    return debias(m, b1, t + 1) / (np.sqrt(debias(v, b2, t + 1)) + epsilon)


CLOCK = Task(
    name="11.3",
    title="A clock that has stopped",
    kind="repair",
    stars=2,
    answer="ticking",
    inputs=near_and_far,
    probe=probes.path,
    reference=optimizers.adam_paper,
    mistakes=(
        Mistake(
            stopped,
            "Two things are wrong. The corrections are those of the first step, in "
            "every step: on the slope m is divided by 0.1 when it is nearly 1. And "
            "epsilon is under the root, where 1e-4 acts like 1e-2.",
        ),
        Mistake(
            stopped_outside,
            "Epsilon is where it belongs. But in every step the corrections are those "
            "of the first: the weight that an average has seen is 1 - beta only once.",
        ),
        Mistake(
            optimizers.adam_inside,
            "The clock goes. Now compare the place of epsilon: under the root it is "
            "added to squares, and small gradients drown in it.",
        ),
        Mistake(
            optimizers.adam_uncorrected,
            "The corrections are gone. They were right in the first step, and have to "
            "fade from then on.",
        ),
        Mistake(
            optimizers.adam,
            "The clock goes, and epsilon is out of the root, but it is added to the "
            "root of v as it is: Keras's place. Here it is wanted beside the corrected "
            "root.",
        ),
        Mistake(
            upper_clock,
            "One clock goes, that of m. v has one as well, and still divides by "
            "1 - beta_2 in every step.",
        ),
        Mistake(
            lower_clock,
            "One clock goes, that of v. m has one as well, and still divides by "
            "1 - beta_1 in every step.",
        ),
        Mistake(
            early,
            "The clock is one step fast: in the first step, t = 1, an average has seen "
            "1 - beta.",
        ),
    ),
)

# 11.4


def looks(rng):
    """The slope, where the lengths tell all, a valley, and numbers drawn anew."""
    start, rates = drawn(rng)
    valley = {"learning_rate": 0.3, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-8}
    return [
        ("slope", (0.0, 0.0), 3, {"learning_rate": 0.1, "epsilon": 1e-8}),
        ("zigzag", (1.0, 3.0), 4, valley),
        ("ravine", start, 6, {**rates, "epsilon": 0.05}),
    ]


@rule
def whole(m, v, epsilon, g, t, b1, b2, **past):
    """One correction for both parts."""
    return debias(ewma(m, g, b1), b1, t + 1) / (np.sqrt(debias(v, b2, t)) + epsilon)


@rule
def remembered(m, v, epsilon, g, old, t, b1, b2, **past):
    """The old average, with the correction of the next step."""
    m_bar = b1 * debias(old, b1, t + 1) + (1 - b1) * debias(g, b1, t)
    return m_bar / (np.sqrt(debias(v, b2, t)) + epsilon)


@rule
def uncorrected(m, v, epsilon, g, t, b1, b2, **past):
    """The look-ahead without any correction above."""
    return ewma(m, g, b1) / (np.sqrt(debias(v, b2, t)) + epsilon)


@rule
def plain_gradient(m, v, epsilon, g, t, b1, b2, **past):
    """The gradient's part is not corrected."""
    m_bar = b1 * debias(m, b1, t + 1) + (1 - b1) * g
    return m_bar / (np.sqrt(debias(v, b2, t)) + epsilon)


NADAM = Task(
    name="11.4",
    title="Tomorrow's momentum today",
    kind="implement",
    stars=2,
    answer="nadam",
    inputs=looks,
    probe=probes.path,
    reference=optimizers.nadam_exact,
    mistakes=(
        Mistake(
            optimizers.nadam_taught,
            "This is the rule of Course 6, and the first step is 1.9 times too long: "
            "what will be remembered tomorrow stands over the weight that m will have "
            "seen by then.",
        ),
        Mistake(
            optimizers.adam_paper,
            "This is Adam. The remembered part, beta_1 times the old m, is to be "
            "replaced by what will be remembered in the next step.",
        ),
        Mistake(
            remembered,
            "The correction looks ahead, the average does not: above it stands m as "
            "it was before this gradient.",
        ),
        Mistake(
            whole,
            "Here both parts stand over 1 - beta_1**(t + 1), and the first step is the "
            "rate exactly. The lesson likes this one, too; but in the formula asked "
            "for, today's gradient keeps the correction of today.",
        ),
        Mistake(
            plain_gradient,
            "The remembered part is right. The gradient's own part, 1 - beta_1 of it, "
            "is corrected as well, by the weight of today.",
        ),
        Mistake(
            uncorrected,
            "The look-ahead is right, but nothing above is corrected: the first step "
            "is 0.19 of the rate.",
        ),
    ),
)

# 11.5


def weights(rng):
    """Far out on the slope, and two valleys."""
    start, rates = drawn(rng)
    slope = {"learning_rate": 0.1, "weight_decay": 0.5, "epsilon": 1e-8}
    valley = {"learning_rate": 0.2, "weight_decay": 0.1, "epsilon": 1e-8}
    share = round(rng.uniform(0.05, 0.4), 2)
    return [
        ("slope", (8.0, -6.0), 3, slope),
        ("zigzag", (1.0, 3.0), 4, valley),
        ("ravine", start, 6, {**rates, "weight_decay": share, "epsilon": 0.05}),
    ]


def decay(step):
    """Adam with a decay of the weights that is up to `step`."""

    def own(
        w,
        gradient,
        t,
        m=0.0,
        v=0.0,
        *,
        learning_rate=0.001,
        weight_decay=0.01,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
    ):
        rates = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}

        def adam(gradient):
            return optimizers.adam_paper(
                w, gradient, t, m, v, learning_rate=learning_rate, **rates
            )

        return step(w, gradient, adam, learning_rate, weight_decay)

    return own


@decay
def decoupled(w, gradient, adam, rate, share):
    """The weight shrinks beside the step."""
    new, m, v = adam(gradient)
    return new - rate * share * w, m, v


@decay
def coupled(w, gradient, adam, rate, share):
    """A penalty in the gradient."""
    return adam(lambda w: gradient(w) + share * w)


@decay
def afterward(w, gradient, adam, rate, share):
    """The new weight shrinks."""
    new, m, v = adam(gradient)
    return (1 - rate * share) * new, m, v


@decay
def unrated(w, gradient, adam, rate, share):
    """The decay does not know the learning rate."""
    new, m, v = adam(gradient)
    return new - share * w, m, v


@decay
def growing(w, gradient, adam, rate, share):
    """The weight grows."""
    new, m, v = adam(gradient)
    return new + rate * share * w, m, v


@decay
def both(w, gradient, adam, rate, share):
    """A penalty in the gradient, and the decay."""
    new, m, v = adam(lambda w: gradient(w) + share * w)
    return new - rate * share * w, m, v


DECAY = Task(
    name="11.5",
    title="A decay that nobody hears",
    kind="repair",
    stars=2,
    answer="decoupled",
    inputs=weights,
    probe=probes.path,
    reference=decoupled,
    mistakes=(
        Mistake(
            coupled,
            "The penalty is part of the gradient here, goes through both averages, and "
            "is divided by the size that it has itself: the quotient hardly notices. "
            "Keep it out of g.",
        ),
        Mistake(
            both,
            "The weights shrink beside the step now, and the penalty is still in the "
            "gradient, too. m and v should see the loss only.",
        ),
        Mistake(
            unrated,
            "The decay is out of the quotient, but it is a full share in every step. "
            "The formula has the learning rate in front.",
        ),
        Mistake(
            afterward,
            "Nearly: here it is the new weight that shrinks, its step included. In the "
            "formula the factor is on the old one.",
        ),
        Mistake(
            growing,
            "Out of the quotient, and with the right factor; but with this sign the "
            "weights grow.",
        ),
    ),
)

# 11.6

MOST, SHARE, DRIFT, BEFORE = 60, 0.2, 5.0, 300


def is_round(gradients):
    """Whether it is what the task asks for: 2 to 60 numbers, not all of them zero."""
    gradients = np.asarray(gradients, dtype=float)
    return (
        gradients.ndim == 1
        and 2 <= len(gradients) <= MOST
        and bool(np.isfinite(gradients).all() and gradients.any())
    )


def share(gradients):
    """The sum of a round, as a share of the sum of its sizes."""
    return np.sum(gradients) / np.abs(gradients).sum()


def is_clear(gradients):
    """Whether that share is large enough, but for rounding."""
    return share(gradients) >= SHARE - 1e-9


def drift(gradients, rule=optimizers.adam_paper):
    """How far a round carries the weight, in learning rates, once all is settled."""
    rounds = -(-BEFORE // len(gradients)) + 1
    told = iter(list(gradients) * rounds)
    given = {"learning_rate": 1.0, "beta_1": 0.9, "beta_2": 0.9}
    steps = rounds * len(gradients)
    w = trace(rule, lambda w: 0 * w + next(told), (0.0,), steps, **given)[:, 0]
    return w[-1] - w[-1 - len(gradients)]


def lacks_drift(gradients):
    """What is missing: a positive sum, or a walk in spite of it."""
    if not is_round(gradients):
        return f"2 to {MOST} numbers, not all zero"
    if not is_clear(gradients):
        return (
            f"a sum that is positive enough: it is {told_apart(share(gradients), SHARE)} of all, and "
            f"at least {SHARE} is wanted"
        )
    if drift(gradients) >= DRIFT:
        return ""
    return (
        f"a walk uphill: a round moves the weight by {drift(gradients):+.2f} learning "
        f"rates; at least {DRIFT:+g} is wanted"
    )


UPHILL = Task(
    name="11.6",
    title="Uphill, round after round",
    kind="experiment",
    stars=3,
    answer="gradients",
    reference=[90.0] + [-1.0] * 59,
    lacks=lacks_drift,
    mistakes=(
        Mistake(
            [101.0] + [-1.0] * 100,
            "The lesson's round has 101 gradients, and adds up to hardly anything. "
            "Here it is a list of at most 60 numbers.",
            when=lambda gradients: not is_round(gradients),
        ),
        Mistake(
            [59.0] + [-1.0] * 59,
            "What the round says is not clear enough: its sum has to be at least a "
            "fifth of the sum of the sizes. You are free in how large a gradient is.",
            when=lambda gradients: not is_clear(gradients),
        ),
        Mistake(
            [3.0, -1.0, -1.0],
            "Here Adam goes the right way. v remembers about ten steps, and as long "
            "as a large gradient comes back before it is forgotten it keeps the small "
            "ones small. Let Adam forget: what is a small gradient worth then?",
            when=lambda gradients: drift(gradients) <= 0,
        ),
        Mistake(
            [200.0] + [-1.0] * 59,
            "The wrong way, but the large gradients are larger than they need to be: "
            "their sum is more than a third of all, and a fifth will do. The larger "
            "they are, the later they are forgotten.",
            when=lambda gradients: share(gradients) > 1 / 3,
        ),
        Mistake(
            [61.0] + [-1.0] * 40,
            "The wrong way, but not far enough. With every step after the large "
            "gradient v forgets more of it, and a small one is worth more, up to a "
            "full step. Make room for the late ones.",
            when=lambda gradients: True,
        ),
    ),
)

TASKS = [ADAM, LENGTHS, CLOCK, NADAM, DECAY, UPHILL]
