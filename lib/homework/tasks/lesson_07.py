"""Lesson 07: Rprop."""

from functools import partial

import numpy as np

from lib import optimizers
from lib.averages import ewma
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import near, told_apart

# 07.1


def told(rng):
    """Four by hand, silence, both limits, and noise."""
    noise = [
        (rng.normal(0.4, 1, n).round(1).tolist(), round(rng.uniform(0.05, 0.5), 2))
        for n in (6, 12)
    ]
    return [
        ([2.0, 0.5, -3.0, -1.0], 1.0),
        ([0.0, 1.0, 0.0, 0.0, -1.0, -1.0], 0.5),
        ([1.0, 2.0, 1.0, 2.0, 1.0, 2.0], 30.0),
        ([1.0, -1.0, 2.0, -2.0, 1.0, -1.0], 3e-6),
        *noise,
    ]


def walked(gradients, step_size):
    """The slides' three steps."""
    rule = partial(optimizers.rprop, initial_step_size=step_size)
    return probes.replay(rule, gradients, len(gradients))


def factor(sign, last):
    """How a sign and the last one change the step size."""
    return 1.2 if sign * last > 0 else 0.5 if sign * last < 0 else 1.0


def misled(
    gradients,
    step_size,
    factor=factor,
    limits=(1e-6, 50.0),
    measure=np.sign,
    keep=lambda sign, last: sign,
):
    """The three steps with something else in place of one of them."""
    w, last, points = 0.0, 0.0, []
    for g in gradients:
        sign = np.sign(g)
        w -= step_size * measure(g)
        step_size = np.clip(step_size * factor(sign, last), *limits)
        last = keep(sign, last)
        points.append(w)
    return points


def adapted_first(gradients, step_size):
    """The step size is adapted before the move."""
    rule = partial(optimizers.rprop_adapt_first, initial_step_size=step_size)
    return probes.replay(rule, gradients, len(gradients))


ONE_WALKER = Task(
    name="07.1",
    title="One walker with a compass",
    kind="implement",
    stars=1,
    answer="walk",
    inputs=told,
    probe=probes.call,
    reference=walked,
    mistakes=(
        Mistake(
            lambda gradients, step_size: misled(
                gradients, step_size, measure=lambda g: g
            ),
            "The move is the step size times the gradient. Rprop does not ask how "
            "large a gradient is, only for its sign.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients, step_size, measure=lambda g: -np.sign(g)
            ),
            "This walker goes uphill: a positive gradient says that the way down is "
            "to the left.",
        ),
        Mistake(
            adapted_first,
            "The step size is adapted before the move. That is Rprop as well, but "
            "another one; the slides move first.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients,
                step_size,
                factor=lambda sign, last: 1.2 if sign == last else 0.5,
            ),
            "The factor is chosen by 'equal' or 'not equal', so that the first sign "
            "shrinks the step size, and silence after silence stretches it. Compare "
            "by the product of the two signs, and let a product of zero change "
            "nothing.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients,
                step_size,
                factor=lambda sign, last: 1.2 if sign * last > 0 else 0.5,
            ),
            "Whatever does not agree shrinks the step size here, a zero and the first "
            "sign of all included. Only signs that are opposite should.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients,
                step_size,
                factor=lambda sign, last: {-1.0: 1.2, 1.0: 0.5}.get(sign * last, 1.0),
            ),
            "The factors have changed places: who walks on in the same direction may "
            "take longer steps, who turns around has been too fast.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients, step_size, limits=(0.0, np.inf)
            ),
            "It has no limits: a step size is never above 50, nor below a millionth.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients, step_size, keep=lambda sign, last: sign or last
            ),
            "A zero is passed over, and the next sign compared with the one before "
            "it. Remember the zero, too: what follows on silence has nothing to "
            "agree with.",
        ),
        Mistake(
            lambda gradients, step_size: misled(
                gradients, step_size, factor=lambda sign, last: 1.0
            ),
            "The step size stays as it was. Compare each sign with the last one, and "
            "see that the last one is remembered.",
        ),
    ),
)

# 07.2

STEP_SIZES = Task(
    name="07.2",
    title="Ten signs later",
    kind="predict",
    stars=1,
    answer="step_sizes",
    reference=(0.1 * 1.2**4 * 0.5, 0.1 * 1.2**3 * 0.5),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.1 * 1.2**3 * 0.5, 0.1 * 1.2**4 * 0.5),
            "Both numbers are there, but they have changed places. Which of the two "
            "rules misses an opportunity to stretch?",
            when=lambda answer: near(answer[0], 0.0864) and near(answer[1], 0.10368),
        ),
        Mistake(
            (0.1 * 1.2**5 * 0.5, 0.0864),
            "The step size of the slides' rule has been stretched once too often. "
            "The first sign has nothing to agree with.",
            when=lambda answer: near(answer[0], 0.1 * 1.2**5 * 0.5),
        ),
        Mistake(
            (0.1 * 1.2**4 * 0.5**3, 0.0864),
            "In the slides' rule you have compared across the zeros. A zero is "
            "remembered like any other sign: what comes after it is compared with it, "
            "and then nothing changes.",
            when=lambda answer: near(answer[0], 0.1 * 1.2**4 * 0.5**3),
        ),
        Mistake(
            (0.1 * 1.2**4 * 0.5**6, 0.0864),
            "This goes by 'equal' or 'not equal', and a zero is not equal to anything "
            "but a zero. It is the product of the two signs that counts; where it is "
            "zero, the step size stays.",
            when=lambda answer: near(answer[0], 0.1 * 1.2**4 * 0.5**6),
        ),
        Mistake(
            (0.10368, 0.10368),
            "The slides' rule is right. PyTorch's forgets a sign that has turned, and "
            "stores a zero in its place. What has the sign after it to agree with?",
            when=lambda answer: near(answer[0], 0.10368) and near(answer[1], 0.10368),
        ),
        Mistake(
            (0.10368, 0.144),
            "The slides' rule is right. In PyTorch's the weight stays where the sign "
            "turns, and the sign is forgotten; but its step size shrinks all the same.",
            when=lambda answer: (
                near(answer[0], 0.10368)
                and any(near(answer[1], 0.1 * 1.2**n) for n in range(2, 6))
            ),
        ),
    ),
)

# 07.3

SETTINGS = {"eta_plus": 1.2, "eta_minus": 0.5}
NARROW = {"min_step_size": 0.05, "max_step_size": 0.15}


def valleys(rng):
    """A bowl whose second weight is silent, and two valleys, one with narrow limits."""
    starts = rng.uniform((0.0, 2.7), (2.0, 3.5), (2, 2)).round(2)
    first, second = (tuple(float(x) for x in start) for start in starts)
    return [
        ("hand_bowl", (3.5, 2.0), 8, {}),
        ("ravine", first, 24, {"eta_plus": 1.3, "eta_minus": 0.4}),
        ("zigzag", second, 24, NARROW),
    ]


def per_weight(agreement, eta_plus, eta_minus):
    """A factor for each weight."""
    return np.where(agreement > 0, eta_plus, np.where(agreement < 0, eta_minus, 1.0))


def in_common(agreement, eta_plus, eta_minus):
    """One factor, by the majority."""
    return per_weight(np.sum(agreement, axis=0), eta_plus, eta_minus)


def as_one(factors, limit_steps=False, limit_sizes=True):
    """A rule that adapts first, with one choice of factors and of what is limited."""

    def rule(
        w,
        gradient,
        t,
        step_size=0.1,
        sign=0.0,
        *,
        eta_plus=1.2,
        eta_minus=0.5,
        min_step_size=1e-6,
        max_step_size=50.0,
    ):
        new_sign = np.sign(gradient(w))
        step_size = step_size * factors(sign * new_sign, eta_plus, eta_minus)
        if limit_sizes:
            step_size = np.clip(step_size, min_step_size, max_step_size)
        step = step_size * new_sign
        if limit_steps:
            step = np.clip(step, min_step_size, max_step_size)
        return w - step, step_size, new_sign

    return rule


TWO_WALKERS = Task(
    name="07.3",
    title="Two walkers on one leash",
    kind="repair",
    stars=2,
    answer="walkers",
    inputs=valleys,
    probe=probes.path,
    reference=partial(optimizers.rprop_adapt_first, initial_step_size=0.1),
    mistakes=(
        Mistake(
            as_one(in_common, limit_steps=True, limit_sizes=False),
            "Look at a weight that should grow: it creeps down by a millionth. The "
            "step carries a sign, and the lower limit cuts every negative one off. "
            "What is it that has to stay within the limits? (There is a second "
            "mistake.)",
        ),
        Mistake(
            as_one(per_weight, limit_steps=True, limit_sizes=False),
            "Now each weight has a factor of its own. But the limits are put upon "
            "the step, which carries a sign, and a negative one is never above the "
            "lower limit.",
        ),
        Mistake(
            as_one(in_common),
            "The limits are right. But the agreements are added up, and the sum "
            "decides for both weights: one that turns around and one that walks on "
            "make zero together. No line of Rprop mixes two weights.",
        ),
        Mistake(
            as_one(in_common, limit_sizes=False),
            "Now both directions are open. But there are no limits any more, and the "
            "agreements of the two weights are still added up, so that the sum "
            "decides for both.",
        ),
        Mistake(
            as_one(per_weight, limit_sizes=False),
            "Each weight has a factor of its own and goes where it should, but there "
            "are no limits any more. The step size should stay within them, before "
            "it gets a sign.",
        ),
        Mistake(
            partial(optimizers.rprop, initial_step_size=0.1),
            "This moves first and adapts after that, as on the slides. The rule of "
            "this task adapts first.",
        ),
    ),
)

# 07.4


def turning(where_changed, stored, adapt_first=True):
    """A rule with its own idea of what to do where the sign has changed, and of what to store there.

    `where_changed(old, new, last)` is the step against the gradient, by the step sizes before and after the
    adaptation and the last sign; `stored(new)` the sign that is kept.
    """

    def rule(
        w,
        gradient,
        t,
        step_size=0.1,
        sign=0.0,
        *,
        eta_plus=1.2,
        eta_minus=0.5,
        min_step_size=1e-6,
        max_step_size=50.0,
    ):
        new_sign = np.sign(gradient(w))
        agreement = sign * new_sign
        changed = agreement < 0
        adapted = np.clip(
            step_size * per_weight(agreement, eta_plus, eta_minus),
            min_step_size,
            max_step_size,
        )
        size = adapted if adapt_first else step_size
        turn = where_changed(step_size, adapted, sign, new_sign)
        step = np.where(changed, turn, -size * new_sign)
        return w + step, adapted, np.where(changed, stored(new_sign), new_sign)

    return rule


def stays(old, adapted, last, new):
    """No step at all."""
    return 0.0 * new


def returns(old, adapted, last, new):
    """The last step is taken back."""
    return old * last


def goes(old, adapted, last, new):
    """The step is made, reduced."""
    return -adapted * new


def forgotten(new):
    """Nothing is stored."""
    return 0.0 * new


def remembered(new):
    """The sign that has changed is stored."""
    return new


STAYING = Task(
    name="07.4",
    title="Stand still where the compass turns",
    kind="implement",
    stars=2,
    answer="patient",
    inputs=valleys,
    probe=probes.path,
    reference=partial(optimizers.rprop_skip, initial_step_size=0.1),
    mistakes=(
        Mistake(
            turning(goes, remembered),
            "Where its sign has changed, this weight goes on, by the reduced step "
            "size. It should stay for one step, and forget the sign.",
        ),
        Mistake(
            turning(stays, remembered),
            "It stays where the sign has changed, but it remembers the new sign. "
            "Store a zero in its place, so that the next comparison abstains.",
        ),
        Mistake(
            turning(goes, forgotten),
            "The sign is forgotten where it has changed, but only after the move. "
            "Move by the sign that you store, and the weight stays.",
        ),
        Mistake(
            turning(returns, forgotten),
            "Where the sign has changed, the last step is taken back. That is the "
            "rule of the paper; here the weight only stays where it is.",
        ),
        Mistake(
            turning(stays, forgotten, adapt_first=False),
            "It does the right thing where the sign has changed. Elsewhere it moves "
            "by the step size from before the adaptation; adapt first.",
        ),
        Mistake(
            partial(optimizers.rprop, initial_step_size=0.1),
            "These are the slides' three steps: move, then adapt, and nothing special "
            "where the sign has changed.",
        ),
    ),
)

# 07.5

MEAN, FAR = 0.25, 1.0


def is_pass(batches):
    """Whether it is what the task asks for: ten numbers from -1 to 1."""
    batches = np.asarray(batches, dtype=float)
    return batches.shape == (10,) and bool((np.abs(batches) <= 1).all())


def end(batches):
    """Where the slides' Rprop has got to after 20 passes."""
    return probes.replay(optimizers.rprop, batches, 200)[-1]


def turns(batches):
    """How often the sign changes in a pass, the way back to its beginning included."""
    return int((np.sign(batches) * np.sign(np.roll(batches, 1)) < 0).sum())


def lacks_error(batches):
    """What is missing of a strong gradient that Rprop runs away from."""
    if not is_pass(batches):
        return "a list of ten numbers from -1 to 1"
    if np.mean(batches) < MEAN - 1e-12:
        return f"their mean is {told_apart(np.mean(batches), MEAN)}; at least {MEAN} is wanted"
    if end(batches) < FAR:
        return f"after 20 passes the weight is at {told_apart(end(batches), FAR)}; at least {FAR:g} is wanted"
    return ""


OUTVOTED = Task(
    name="07.5",
    title="Outvoted",
    kind="experiment",
    stars=2,
    answer="batches",
    reference=[1.0] * 3 + [-0.01] * 7,
    lacks=lacks_error,
    mistakes=(
        Mistake(
            [2.0] + [-0.1] * 9,
            "A pass has ten minibatches, and none of their gradients is below -1 or "
            "above 1.",
            when=lambda batches: not is_pass(batches),
        ),
        Mistake(
            [-0.1] * 9 + [0.9],
            "With such a mean there is little to go down for. A few strong gradients "
            "have to carry it against many weak ones: make the majority weaker still, "
            "and the minority less lonely.",
            when=lambda batches: np.mean(batches) < MEAN - 1e-12,
        ),
        Mistake(
            [0.5] * 6 + [-0.1] * 4,
            "The weight goes down, as the mean asks for. Rprop counts votes: for an "
            "error the majority has to be on the wrong side, however weakly.",
            when=lambda batches: (
                np.sum(np.sign(batches)) >= 0 and not end(batches) > 0.01
            ),
        ),
        Mistake(
            [1.0, -0.01, -0.01] * 3 + [-0.01],
            "The wrong side has the majority, but the sign changes too often in a "
            "pass, the step size collapses, and the weight freezes. A share of 79.2 "
            "percent of the comparisons has to agree. You cannot change how many "
            "dissent; can you change when?",
            when=lambda batches: turns(batches) > 2,
        ),
        Mistake(
            [1.0] * 5 + [-0.01] * 5,
            "The sign changes as seldom as it can, so the step size grows, and the "
            "weight goes the wrong way. But the wrong side has hardly a majority of "
            "the strides: shift the balance.",
            when=lambda batches: True,
        ),
    ),
)

# 07.6

WAY, MOST, DRIFT, GAIN = 3, 5000, 0.5, 1


def streams(rng):
    """A steady gradient, of three sizes; nine against one that is as strong, or three times as strong."""
    steady = [[1.0], [2.0**-24], [-float(2.0 ** rng.integers(2, 13))]]
    passes = []
    for size, against in ((-1.0, 9), (2.0 ** rng.integers(-6, 7), 9), (-1.0, 27)):
        ten = [float(size)] * 10
        ten[rng.integers(10)] *= -against
        passes.append(ten)
    return [(gradients, 300) for gradients in (*steady, *passes)]


def way(points, gradients):
    """How far the weight has come downhill in the last 60 steps."""
    points = np.asarray(points, dtype=float)
    return np.sign(gradients[0]) * (points[-61] - points[-1])


def gain(points, gradients):
    """How far the weight has come after the first ten passes: downhill or, if the sum is zero, anywhere."""
    points = np.asarray(points, dtype=float)
    moved = points[99] - points[-1]
    return np.sign(sum(gradients)) * moved if sum(gradients) else abs(moved)


def lacks_judgment(points, gradients, steps):
    """What is missing: a way whatever the size, peace where the sum is zero, or a way where it is not."""
    if len(gradients) == 1:
        come = way(points, gradients)
        if WAY <= come <= MOST:
            return ""
        return (
            f"told {gradients[0]:.3g} all the time, it comes {told_apart(come, WAY)} downhill "
            f"in the last 60 of {steps} steps; {WAY} to {MOST} are wanted"
        )
    come = gain(points, gradients)
    if sum(gradients) == 0:
        if come <= DRIFT:
            return ""
        return (
            f"the sum of a pass is zero, and from step 100 to {steps} it goes "
            f"{told_apart(come, DRIFT)}; at most {DRIFT} is wanted"
        )
    if come >= GAIN:
        return ""
    return (
        f"the strong one outweighs the nine, and from step 100 to {steps} it comes "
        f"{told_apart(come, GAIN)} downhill; at least {GAIN} is wanted"
    )


def root_mean_square(w, gradient, t, v=0.0, *, rate=0.1, rho=0.99):
    """RMSprop with a long memory, corrected, and with next to no epsilon."""
    g = gradient(w)
    v = ewma(v, g * g, rho)
    return w - rate * g / np.sqrt(v / (1 - rho**t) + 1e-30), v


def short_of_memory(w, gradient, t, v=0.0, *, rate=0.1):
    """The same with a memory of ten steps."""
    return root_mean_square(w, gradient, t, v, rate=rate, rho=0.9)


def uphill(w, gradient, t, v=0.0):
    """The same in the wrong direction."""
    return root_mean_square(w, gradient, t, v, rate=-0.1)


JUDGMENT = Task(
    name="07.6",
    title="A walker with judgment",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=streams,
    probe=probes.replay,
    reference=root_mean_square,
    lacks=lacks_judgment,
    mistakes=(
        Mistake(
            partial(optimizers.gradient_descent, learning_rate=0.1),
            "A faint gradient is not enough for this rule: with a size of one it "
            "comes far enough. So the size still counts. Divide by something that is "
            "as faint as the gradient; and if a constant keeps that division finite, "
            "let it be fainter still.",
            when=lambda points, gradients, steps: (
                len(gradients) == 1
                and abs(gradients[0]) < 1
                and way(points, gradients) < WAY
            ),
        ),
        Mistake(
            partial(optimizers.gradient_descent, learning_rate=1e6),
            "It comes much too far: the size of the gradient, or a step size without "
            "a limit, carries it away.",
            when=lambda points, gradients, steps: (
                len(gradients) == 1 and not way(points, gradients) <= MOST
            ),
        ),
        Mistake(
            uphill,
            "It walks uphill: a positive gradient says that the way down is to lower "
            "weights.",
            when=lambda points, gradients, steps: (
                len(gradients) == 1 and way(points, gradients) < 0
            ),
        ),
        Mistake(
            partial(optimizers.adagrad, learning_rate=0.1),
            "The steps are too short, or become so: a weight that is told the same "
            "all the time has no reason to stop.",
            when=lambda points, gradients, steps: len(gradients) == 1,
        ),
        Mistake(
            optimizers.rprop,
            "It runs away with the majority. As long as each gradient is reduced to "
            "its own sign, nine faint ones outvote a strong one. Compare it with the "
            "others of its pass before you step, or add up before you take the sign.",
            when=lambda points, gradients, steps: (
                not sum(gradients) and not gain(points, gradients) <= 2
            ),
        ),
        Mistake(
            short_of_memory,
            "Nearly: the drift is small, but it does not stop. The nine and the one "
            "are still measured by different numbers, since the rule has forgotten "
            "the strong one before the next pass. Let it remember longer.",
            when=lambda points, gradients, steps: not sum(gradients),
        ),
        Mistake(
            partial(optimizers.rprop, eta_minus=0.1),
            "It is at peace where the sum of a pass is zero, but only because it has "
            "frozen: here one strong gradient outweighs the nine, and it does not "
            "follow. To be contradicted now and then must not be the end of all steps.",
            when=lambda points, gradients, steps: True,
        ),
    ),
)

TASKS = [ONE_WALKER, STEP_SIZES, TWO_WALKERS, STAYING, OUTVOTED, JUDGMENT]
