"""Lesson 06: Nesterov momentum."""

import numpy as np

from lib import optimizers, surfaces, trace
from lib.averages import ewma, ewma_series
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import near, told_apart


def start(rng):
    """A point of the valley that is not beside its minimum."""
    return tuple(float(x) for x in rng.uniform((0.0, 2.5), (2.0, 3.5)).round(2))


# 06.1


def descents(rng):
    """Two steps to do by hand, a valley, and a rate that is cut on the way."""
    return [
        ("hand_bowl", (3.0, 4.0), 2, {"learning_rate": 0.25, "momentum": 0.5}),
        ("zigzag", start(rng), 6, {"learning_rate": 0.5, "momentum": 0.6}),
        (
            "ravine",
            start(rng),
            4,
            {"learning_rate": [0.3, 0.3, 0.03, 0.03], "momentum": 0.9},
        ),
    ]


def behind(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The look-ahead goes against the velocity."""
    g = gradient(w - momentum * velocity)
    velocity = momentum * velocity - learning_rate * g
    return w + velocity, velocity


def too_far(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The look-ahead by the whole velocity."""
    velocity = momentum * velocity - learning_rate * gradient(w + velocity)
    return w + velocity, velocity


def carried(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The move starts at the look-ahead point."""
    w = w + momentum * velocity
    velocity = momentum * velocity - learning_rate * gradient(w)
    return w + velocity, velocity


def twice_asked(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The look-ahead is a whole step of momentum, its own push included."""
    ahead = w + momentum * velocity - learning_rate * gradient(w)
    velocity = momentum * velocity - learning_rate * gradient(ahead)
    return w + velocity, velocity


def forgetful(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    """The velocity is the new push alone."""
    velocity = -learning_rate * gradient(w + momentum * velocity)
    return w + velocity, velocity


LOOK_AHEAD = Task(
    name="06.1",
    title="Leave first, then ask",
    kind="implement",
    stars=1,
    answer="look_ahead",
    inputs=descents,
    probe=probes.path,
    reference=optimizers.nesterov,
    mistakes=(
        Mistake(
            optimizers.momentum,
            "The gradient is asked at w, the place that we have already decided to "
            "leave: this is plain momentum. Ask where the kept share of the velocity "
            "leads.",
        ),
        Mistake(
            too_far,
            "The look-ahead goes by the whole velocity. Only a share of it is kept, "
            "and that share is as far as one can know.",
        ),
        Mistake(
            behind,
            "The look-ahead goes back to where the ball comes from. Here the velocity "
            "is what is added to w, so look along it.",
        ),
        Mistake(
            carried,
            "The move starts at the look-ahead point, so the kept velocity counts "
            "twice. The look-ahead is a question: step 4 starts from w again.",
        ),
        Mistake(
            optimizers.nesterov_keras,
            "These are Keras's points, each a look-ahead further on. The method is "
            "the same, but the task is for the textbook's w.",
        ),
        Mistake(
            twice_asked,
            "This asks for two gradients, and the first is that at w. The look-ahead "
            "is made of the velocity alone, before anybody looks at a slope.",
        ),
        Mistake(
            forgetful,
            "It asks in the right place, but the new velocity is only the push. The "
            "kept share belongs to it as well.",
        ),
    ),
)

# 06.2

FRICTION_AND_EDGE = Task(
    name="06.2",
    title="Its friction, and its edge",
    kind="predict",
    stars=1,
    answer="friction_and_edge",
    reference=(0.8 * (1 - 0.15 * 4), 2 * (1 + 0.8) / (1 + 2 * 0.8) / 4),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (0.8, 0.35),
            "0.8 is what Nesterov's rule was given. Plain momentum, on the same path, "
            "needs less, because the look-ahead brakes.",
            when=lambda answer: near(answer[0], 0.8),
        ),
        Mistake(
            (0.4, 0.35),
            "0.4 is 1 - rate * curvature, the share that the braking leaves. It is a "
            "share of the momentum.",
            when=lambda answer: near(answer[0], 0.4),
        ),
        Mistake(
            (0.68, 0.35),
            "This brakes by 1 - rate. How hard it brakes depends on the curvature, "
            "too.",
            when=lambda answer: near(answer[0], 0.68),
        ),
        Mistake(
            (0.2, 0.35),
            "This is the momentum minus rate * curvature, which belongs to a "
            "look-ahead by the whole velocity.",
            when=lambda answer: near(answer[0], 0.2),
        ),
        Mistake(
            (1.28, 0.35),
            "This is more momentum than before, as where a surface curves down. A "
            "bowl curves up.",
            when=lambda answer: near(answer[0], 1.28),
        ),
        Mistake(
            (0.32, 0.9),
            "0.9 is the edge of plain momentum, which lies further out; the "
            "look-ahead gives some of it away.",
            when=lambda answer: near(answer[1], 0.9),
        ),
        Mistake(
            (0.32, 0.5),
            "0.5 is the edge of gradient descent, and with this much momentum "
            "Nesterov's lies even further in.",
            when=lambda answer: near(answer[1], 0.5),
        ),
        Mistake(
            (0.32, 0.66),
            "0.66 is the edge of plain momentum with the momentum of the first "
            "question. But that one holds at rate 0.15 only: it changes with the rate, "
            "and the edge moves in.",
            when=lambda answer: near(answer[1], 0.66),
        ),
        Mistake(
            (0.32, 3.6 / 2.6),
            "Your edge is that of rate * curvature; the question is for the rate.",
            when=lambda answer: near(answer[1], 3.6 / 2.6),
        ),
    ),
)

# 06.3


def averages(rng):
    """Two steps to do by hand, and two valleys."""
    return [
        ("hand_bowl", (3.0, 4.0), 2, {"learning_rate": 0.5, "momentum": 0.5}),
        ("zigzag", start(rng), 5, {"learning_rate": 2.0, "momentum": 0.8}),
        ("ravine", start(rng), 5, {"learning_rate": 3.0, "momentum": 0.9}),
    ]


def averaged_ahead(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """Keras's form with the average for a state: the velocity is minus the rate times it."""
    w, velocity = optimizers.nesterov_keras(
        w,
        gradient,
        t,
        -learning_rate * average,
        learning_rate=learning_rate * (1 - momentum),
        momentum=momentum,
    )
    return w, -velocity / learning_rate


def heavy_gradient(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """PyTorch's bracket, which is made for a sum, around an average."""
    g = gradient(w)
    average = ewma(average, g, momentum)
    return w - learning_rate * (momentum * average + g), average


def not_shrunk(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The whole average and the push again."""
    g = gradient(w)
    average = ewma(average, g, momentum)
    return w - learning_rate * (average + (1 - momentum) * g), average


def piled_up(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """Every step has its look-ahead added to it."""
    average = ewma(average, gradient(w), momentum)
    return w - learning_rate * (1 + momentum) * average, average


def elsewhere(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The textbook's points, and a gradient away from the weights."""
    g = gradient(w - learning_rate * momentum * average)
    average = ewma(average, g, momentum)
    return w - learning_rate * average, average


def remembered(w, gradient, t, average=0.0, *, learning_rate=0.1, momentum=0.9):
    """The right mixture, kept as the state."""
    g = gradient(w)
    average = ewma(ewma(average, g, momentum), g, momentum)
    return w - learning_rate * average, average


AVERAGED = Task(
    name="06.3",
    title="The look-ahead got lost",
    kind="repair",
    stars=2,
    answer="averaged_ahead",
    inputs=averages,
    probe=probes.path,
    reference=averaged_ahead,
    mistakes=(
        Mistake(
            optimizers.momentum_averaged,
            "This is plain momentum, in its averaging form: nothing looks ahead. The "
            "weights should run on to where the next gradient is wanted, by the "
            "share `momentum` of the new average more than the textbook's.",
        ),
        Mistake(
            piled_up,
            "The first step is right. But each step adds its look-ahead to the "
            "weights, which have the one before in them already. Take that one back; "
            "it was made of the old average.",
        ),
        Mistake(
            heavy_gradient,
            "The average is right, and so is its share. But the gradient enters the "
            "step as if the state were a sum, 1 / (1 - momentum) times too heavy. "
            "What is a push in this form?",
        ),
        Mistake(
            not_shrunk,
            "The push is right. The average enters the step with all of its weight; "
            "after the two look-aheads have been subtracted a share of it is left.",
        ),
        Mistake(
            elsewhere,
            "The look-ahead is back, but these are the textbook's points: the "
            "gradient is asked away from the weights, which no framework can do. "
            "Carry the look-ahead over into the step.",
        ),
        Mistake(
            remembered,
            "The first step is right. Then the look-ahead is in the state, and is "
            "averaged again and again. The state was right as it was; the look-ahead "
            "belongs to the step alone.",
        ),
    ),
)

# 06.4


def recorded(rng):
    """Three points by hand, and what Keras stored on bowls."""
    runs = [([3.0, 0.0, 1.5], 0.5)]
    for steps in (5, 8):
        first, curvature, momentum = rng.uniform((1, 1, 0.6), (5, 8, 0.95)).round(2)
        points = trace(
            optimizers.nesterov_keras,
            lambda w, curvature=curvature: curvature * w,
            (first,),
            steps,
            learning_rate=0.1,
            momentum=momentum,
        )
        runs.append((points[:, 0].round(4).tolist(), float(momentum)))
    return runs


def textbook(points, momentum):
    """An average of the points, with `momentum / (1 + momentum)` of the old."""
    return ewma_series(points, momentum / (1 + momentum), initial=points[0])


def by_their_difference(points, momentum):
    """The steps of Keras's weights for the velocities."""
    points = np.array(points)
    return points - momentum * np.diff(points, prepend=points[0])


def by_their_distance(points, momentum):
    """The way from the last textbook point to Keras's for the velocity."""
    weights = [points[0]]
    for x in points[1:]:
        weights.append(x - momentum * (x - weights[-1]))
    return weights


def further(points, momentum):
    """The change of variable, the wrong way round."""
    points = np.array(points)
    return points + momentum * np.diff(points, prepend=points[0])


def without_memory(points, momentum):
    """The division without what was moved to the other side."""
    return [points[0], *(x / (1 + momentum) for x in points[1:])]


TEXTBOOK = Task(
    name="06.4",
    title="The record without the velocity",
    kind="implement",
    stars=2,
    answer="textbook",
    inputs=recorded,
    probe=probes.call,
    reference=textbook,
    mistakes=(
        Mistake(
            lambda points, momentum: points,
            "These are Keras's weights as they are. Only the first of them is the "
            "textbook's; the others are a look-ahead too far on.",
        ),
        Mistake(
            by_their_difference,
            "The steps of Keras's weights are taken for the velocity. But v is the "
            "step of the textbook's: the difference of two w, of which you know the "
            "older one.",
        ),
        Mistake(
            by_their_distance,
            "The way from the last w to the new x is taken for the velocity, but it "
            "is v and then momentum * v more. How much of it is v?",
        ),
        Mistake(
            further,
            "This looks ahead once more, instead of taking a look-ahead back.",
        ),
        Mistake(
            without_memory,
            "The division by 1 + momentum is right, but something else has to be "
            "divided with x. Write v as the difference of two w, and collect the new "
            "one on the left.",
        ),
        Mistake(
            lambda points, momentum: textbook(points, momentum)[1:],
            "The start is missing. There is a w for every point, and the first is the "
            "point itself, as nothing has moved yet.",
        ),
    ),
)

# 06.5

VALLEY = surfaces.zigzag
FAR, LITTLE = 0.5, 0.05


def beyond(rule, setting):
    """How far a rule runs past the minimum in 60 steps, along the valley and across it."""
    rate, momentum = setting
    path = trace(
        rule, VALLEY.gradient, VALLEY.start, 60, learning_rate=rate, momentum=momentum
    )
    return (path[:, 0] - 3).max(), (2 - path[:, 1]).max()


def is_setting(setting):
    """Whether it is a rate and a momentum."""
    if np.shape(setting) != (2,):
        return False
    rate, momentum = np.asarray(setting, dtype=float)
    return 0 < rate < np.inf and 0 <= momentum < 1


def lacks_contrast(setting):
    """How far each of them runs past, if it is not as far as wanted."""
    if not is_setting(setting):
        return "a pair of a rate above 0 and a momentum from 0 to below 1"
    heavy, ahead = (
        max(beyond(rule, setting))
        for rule in (optimizers.momentum, optimizers.nesterov)
    )
    if heavy >= FAR and ahead <= LITTLE:
        return ""
    heavy, ahead = told_apart(max(heavy, 0), FAR), told_apart(max(ahead, 0), LITTLE)
    runs = f"momentum runs {heavy} past the minimum, Nesterov {ahead}"
    return f"{runs}; at least {FAR} and at most {LITTLE} are wanted"


CONTRAST = Task(
    name="06.5",
    title="One runs past, the other does not",
    kind="experiment",
    stars=2,
    answer="setting",
    reference=(0.41, 0.54),
    lacks=lacks_contrast,
    mistakes=(
        Mistake(
            (0.4, 1.0),
            "A learning rate is above zero, and a momentum below one.",
            when=lambda setting: not is_setting(setting),
        ),
        Mistake(
            (0.6, 0.5),
            "Nesterov's rule swings across the valley. There the curvature is 2.4, "
            "and at a rate above 1 / 2.4 its friction overdoes it: what is left of the "
            "momentum, momentum * (1 - rate * 2.4), is negative.",
            when=lambda setting: (
                setting[0] > 1 / 2.4
                and not beyond(optimizers.nesterov, setting)[1] <= LITTLE
            ),
        ),
        Mistake(
            (0.2, 0.6),
            "Nesterov's rule runs past across the valley, where the curvature is 2.4. "
            "It brakes there, but it could brake harder: of the momentum it leaves "
            "1 - rate * 2.4. At which rate would nothing be left?",
            when=lambda setting: not beyond(optimizers.nesterov, setting)[1] <= LITTLE,
        ),
        Mistake(
            (0.4, 0.9),
            "Nesterov's rule runs past along the valley. There the curvature is 0.2, "
            "and it brakes little. From which momentum on does it overshoot, at your "
            "rate? The lesson has a formula, with the root of rate * curvature.",
            when=lambda setting: not beyond(optimizers.nesterov, setting)[0] <= LITTLE,
        ),
        Mistake(
            (0.4, 0.2),
            "Nesterov's rule behaves, but momentum is too tame. How far it swings "
            "across the valley depends on how much of the first plunge it keeps. How "
            "much may it keep, before Nesterov's rule runs past along the valley?",
            when=lambda setting: True,
        ),
    ),
)

# 06.6

STEEP = 20
ROOT = np.sqrt(STEEP)
HEAVY = {
    "learning_rate": (2 / (ROOT + 1)) ** 2,
    "momentum": ((ROOT - 1) / (ROOT + 1)) ** 2,
}


def around(trap):
    """The path of the heavy ball on the trap, 1000 steps."""
    left, right, start = trap

    def slope(w):
        return STEEP * w - (STEEP - 1) * np.clip(w - left, 0, right - left)

    return trace(optimizers.momentum, slope, (start,), 1000, **HEAVY)[:, 0]


def is_trap(trap):
    """Whether it is a flatter piece right of the minimum, and a start that is not on it."""
    if np.shape(trap) != (3,):
        return False
    left, right, start = np.asarray(trap, dtype=float)
    return 0 < left < right <= 10 and 0 < abs(start) <= 10


def lacks_trap(trap):
    """How close to the minimum the ball has come, if it has."""
    if not is_trap(trap):
        return "(left, right, start) with 0 < left < right <= 10, and a start from -10 to 10 that is not 0"
    late = np.abs(around(trap)[-50:]).max()
    if late >= 0.1:
        return ""
    near = f"{late:.2g}" if late > 1e-12 else "less than 1e-12"
    return f"a ball that never rests: in the last 50 of 1000 steps it is at most {near} away from 0"


TRAP = Task(
    name="06.6",
    title="A trap that is convex",
    kind="experiment",
    stars=3,
    answer="trap",
    reference=(1.0, 2.2, 4.0),
    lacks=lacks_trap,
    mistakes=(
        Mistake(
            (2.0, 1.0, 3.3),
            "The flatter piece begins at `left`, right of the minimum, and ends at "
            "`right`, further on but not beyond 10. The ball has to start elsewhere "
            "than in the minimum.",
            when=lambda trap: not is_trap(trap),
        ),
        Mistake(
            (8.0, 10.0, 1.0),
            "The ball never gets as far as your flatter piece. For all that it knows "
            "the loss is a parabola of curvature 20, and there it settles.",
            when=lambda trap: around(trap).max() <= trap[0],
        ),
        Mistake(
            (1.0, 2.0, 3.3),
            "The ball settles. The lesson's piece, as long as it was far from the "
            "minimum, caught it at condition number 25. This loss is milder: what if "
            "the piece is a little longer?",
            when=lambda trap: trap[1] < 2.1 * trap[0],
        ),
        Mistake(
            (1.0, 4.0, 3.3),
            "The ball settles. Your flatter piece is long beside its distance from "
            "the minimum, and the steep wall behind it sends the ball back too "
            "seldom. In the lesson the piece was only as long as that.",
            when=lambda trap: trap[1] > 2.25 * trap[0],
        ),
        Mistake(
            (1.0, 2.2, 1.0),
            "The flatter piece is of a good length, but from this start the ball "
            "settles, as it does from most. Try a hundred starts; `trace` takes them "
            "all at once, as an array of shape (1, 100).",
            when=lambda trap: True,
        ),
    ),
)

TASKS = [LOOK_AHEAD, FRICTION_AND_EDGE, AVERAGED, TEXTBOOK, CONTRAST, TRAP]
