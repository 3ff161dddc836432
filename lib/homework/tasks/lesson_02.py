"""Lesson 02: curvature."""

import numpy as np

from lib import optimizers, surfaces
from lib.homework import probes
from lib.homework.task import Mistake, Task
from lib.homework.tasks import elsewhere, near

# 02.1


def places(rng):
    """A place to do by hand, then others on landscapes that lie askew."""
    drawn = [
        (name, tuple(rng.uniform(low, high).round(2).tolist()))
        for name, low, high in (
            ("himmelblau", (-4.0, 0.5), (-1.0, 4.0)),
            ("rosenbrock", (0.5, -1.0), (1.5, 1.0)),
            ("beale", (0.5, 0.3), (2.0, 1.5)),
        )
    ]
    return [("saddle_escape", (0.5, -0.8)), ("rosenbrock", (-0.5, 2.0)), *drawn]


def differences(gradient, w, h=1e-5):
    """How much the gradient changes over `2 h`, each weight moved alone: a row for each."""
    return np.array(
        [gradient(w + move) - gradient(w - move) for move in h * np.eye(len(w))]
    )


def measured(gradient, w):
    """Second derivatives by central differences."""
    return differences(gradient, w) / 2e-5


def nearly(result, surface, point):
    """Whether it is the Hessian but for some percent."""
    true = getattr(surfaces, surface).hessian(point)
    return (
        np.shape(result) == (2, 2)
        and (np.abs(result - true) <= 0.2 * np.abs(true).max()).all()
    )


BEND = Task(
    name="02.1",
    title="Feel the bend",
    kind="implement",
    stars=1,
    answer="hessian",
    inputs=places,
    probe=probes.at,
    reference=measured,
    tolerance=5e-3,
    mistakes=(
        Mistake(
            differences,
            "These are the changes of the gradient. How fast it changes is the change "
            "divided by the way.",
        ),
        Mistake(
            lambda gradient, w: 2 * measured(gradient, w),
            "Everything is twice as large as it should be. From w - h to w + h the way "
            "is 2 h.",
        ),
        Mistake(
            lambda gradient, w: measured(gradient, w) / 2,
            "Everything is half as large as it should be. From w to w + h the way is "
            "h, not 2 h.",
        ),
        Mistake(
            lambda gradient, w: np.diag(np.diag(measured(gradient, w))),
            "The diagonal is right. But if one weight is moved, the other's slope "
            "changes, too: use both components of the difference.",
        ),
        Mistake(
            lambda gradient, w: measured(gradient, w).sum(axis=0),
            "Here both weights are moved at once, and their effects are added up. Move "
            "one at a time; each gives a row of the matrix.",
        ),
        Mistake(
            lambda gradient, w: np.outer(gradient(w), gradient(w)),
            "These are products of two slopes at one place. A second derivative is the "
            "slope of a slope, and for that it takes two places.",
        ),
        Mistake(
            lambda gradient, w: (
                (
                    np.array([gradient(w + move) for move in 0.05 * np.eye(2)])
                    - gradient(w)
                )
                / 0.05
            ),
            "It is the right matrix but for some percent. The way h is too long, so "
            "that the curvature changes under your feet, or so short that the "
            "difference drowns in rounding. Something like 1e-5 lies well between.",
            when=nearly,
        ),
    ),
)

# 02.2

FORM = (-8.0, 2.0, 4.0)

SIGNS = Task(
    name="02.2",
    title="Two curvatures and their ratio",
    kind="predict",
    stars=1,
    answer="low_high_kappa",
    reference=FORM,
    tolerance=5e-3,
    mistakes=(
        Mistake(
            (2.0, -8.0, 4.0),
            "Both eigenvalues are there, but the smaller one is the negative one. It "
            "comes first.",
            when=lambda answer: near(answer[0], 2) and near(answer[1], -8),
        ),
        Mistake(
            (-4.0, 1.0, 4.0),
            "These are the eigenvalues of the matrix of coefficients, with the mixed "
            "one shared out between two corners. Their ratio is the same, but second "
            "derivatives are twice as large: that of w squared is not 1.",
            when=lambda answer: near(answer[0], -4) and near(answer[1], 1),
        ),
        Mistake(
            (-5.106, 2.106, 2.4245),
            "The mixed derivative is right; on the diagonal there are coefficients. "
            "Differentiate 0.5 w1**2 and -3.5 w2**2 twice.",
            when=lambda answer: near(answer[0], -5.106),
        ),
        Mistake(
            (-7.272, 1.272, 5.717),
            "The diagonal is right. The mixed derivative of 3 w1 w2, once with respect "
            "to w1 and once to w2, has no one half in it; it stands in both corners.",
            when=lambda answer: near(answer[0], -7.272),
        ),
        Mistake(
            (-7.0, 1.0, 7.0),
            "These are the curvatures along w1 and along w2. They are not the extreme "
            "ones, since the mixed term turns the axes.",
            when=lambda answer: near(answer[0], -7),
        ),
        Mistake(
            (-8.0, 2.0, -0.25),
            "The condition number asks how unequal the eigenvalues are in size, "
            "whatever their signs, the larger size over the smaller one. It is never "
            "below one.",
            when=lambda answer: near(answer[0], -8) and answer[2] < 1,
        ),
    ),
)

# 02.3


def bills(rng):
    """Two curvatures or more, in any order."""
    drawn = [
        (np.exp(rng.uniform(-2, 3, n)).round(2).tolist(), share)
        for n, share in ((2, 1e-4), (5, 1e-8))
    ]
    return [
        ([0.5, 1.5], 1e-6),
        ([0.4, 6.0], 0.01),
        ([2.0, 0.1, 5.0], 1e-3),
        ([9.0, 0.3], 1e-3),
        *drawn,
    ]


def shrinking(curvatures):
    """What the best rate leaves of the distance in a step."""
    low, high = min(curvatures), max(curvatures)
    return (high - low) / (high + low)


def count(factor, share):
    """Steps until so much, or less, is left."""
    return int(np.ceil(np.log(share) / np.log(factor)))


def bill(curvatures, share):
    """Steps until the loss is at most that share of what it was; one, if the bowl is round."""
    factor = shrinking(curvatures)
    return count(factor**2, share) if factor else 1


def thumb(curvatures, share):
    """By the rule for large condition numbers."""
    kappa = max(curvatures) / min(curvatures)
    return int(np.ceil(kappa / 4 * np.log(1 / share)))


BILL = Task(
    name="02.3",
    title="The bill in advance",
    kind="implement",
    stars=2,
    answer="steps",
    inputs=bills,
    probe=probes.call,
    reference=bill,
    mistakes=(
        Mistake(
            lambda curvatures, share: count(shrinking(curvatures), share),
            "So many steps shrink the DISTANCE to that share. The loss goes with its "
            "square, and needs half of them.",
        ),
        Mistake(
            lambda curvatures, share: bill(curvatures, share) - 1,
            "One too few: after so many steps a little more than the share is left.",
        ),
        Mistake(
            lambda curvatures, share: count(
                (1 - min(curvatures) / max(curvatures)) ** 2, share
            ),
            "This is the bill at rate 1 / (largest curvature), where the steep "
            "direction arrives in one step and the flat one waits. There is a better "
            "rate, and a smaller factor.",
        ),
        Mistake(
            lambda curvatures, share: bill([curvatures[0], curvatures[-1]], share),
            "The first and the last curvature in the list are not always the smallest "
            "and the largest.",
        ),
        Mistake(
            thumb,
            "This is the rule of thumb, with 2 / kappa for what a step gains. It holds "
            "for long valleys; for rounder bowls take the factor itself.",
        ),
        Mistake(
            lambda curvatures, share: (
                np.log(share) / (2 * np.log(shrinking(curvatures)))
            ),
            "That is the right formula, but steps are counted in whole ones.",
        ),
    ),
)

# 02.4


def askew(rng):
    """Among the hills, where curvatures have both signs, and in curved valleys."""
    start = tuple(rng.uniform((-1.0, 1.0), (1.0, 2.0)).round(2).tolist())
    other = tuple(rng.uniform((-1.5, 1.0), (-0.5, 2.5)).round(2).tolist())
    return [
        ("himmelblau", (1.0, 2.0), 1, {}),
        ("himmelblau", start, 2, {}),
        ("rosenbrock", other, 2, {}),
        ("beale", (1.0, 1.5), 1, {}),
    ]


def turned(w, gradient, t, *, hessian):
    """Newton's step with the eigenvalues' sizes."""
    values, vectors = np.linalg.eigh(hessian(w))
    return w - vectors @ (vectors.T @ gradient(w) / np.abs(values))


def apart(w, gradient, t, *, hessian):
    """Every weight by its own curvature."""
    return w - gradient(w) / np.abs(np.diag(hessian(w)))


def entries(w, gradient, t, *, hessian):
    """The sizes of the entries."""
    return w - np.linalg.solve(np.abs(hessian(w)), gradient(w))


def mixed_up(w, gradient, t, *, hessian):
    """The eigenvalues as if they belonged to the weights."""
    return w - gradient(w) / np.abs(np.linalg.eigvalsh(hessian(w)))


def not_back(w, gradient, t, *, hessian):
    """Turned, and left there."""
    values, vectors = np.linalg.eigh(hessian(w))
    return w - vectors.T @ gradient(w) / np.abs(values)


def wrong_way(w, gradient, t, *, hessian):
    """Turned the wrong way, and back."""
    values, vectors = np.linalg.eigh(hessian(w))
    return w - vectors.T @ (vectors @ gradient(w) / np.abs(values))


ASKEW = Task(
    name="02.4",
    title="Every weight for itself",
    kind="repair",
    stars=2,
    answer="downhill_newton",
    inputs=askew,
    probe=probes.path,
    reference=turned,
    mistakes=(
        Mistake(
            apart,
            "The mixed derivative is not used at all: this divides each component of "
            "the gradient by the curvature along its own weight. What has to be "
            "divided are the components along the eigenvectors, and by the "
            "eigenvalues.",
        ),
        Mistake(
            optimizers.newton,
            "This is Newton's step as it stands. In a direction with a negative "
            "eigenvalue it goes up.",
        ),
        Mistake(
            entries,
            "The absolute values of a matrix's entries do not make those of its "
            "eigenvalues. Take the eigenvalues out first.",
        ),
        Mistake(
            mixed_up,
            "The eigenvalues are right, but they belong to the eigenvectors, not to "
            "w1 and w2. Write the gradient in the eigenvectors' axes before you "
            "divide.",
        ),
        Mistake(
            not_back,
            "The step is right, in the eigenvectors' axes. It is w1 and w2 that have to "
            "move: turn it back.",
        ),
        Mistake(
            wrong_way,
            "It is turned the wrong way. The eigenvectors are the columns of the "
            "matrix. The component of the gradient along one of them is a product with "
            "a column; the rows that `@` multiplies have to be those columns.",
        ),
    ),
)

# 02.5

LIMIT, STEPS, SHARE = 0.25, 100, 1e-3


def is_bowl(bowl):
    """Whether it is what the task asks for: two numbers above zero."""
    bowl = np.asarray(bowl, dtype=float)
    return bowl.shape == (2,) and bool((bowl > 0).all() and np.isfinite(bowl).all())


def limit(bowl):
    """The rate that the bowl's steepest curvature allows."""
    return 1 / max(bowl)


def lacks_order(bowl):
    """How the bowl differs from the one that was ordered."""
    if not is_bowl(bowl):
        return "two coefficients above zero"
    needed = bill(bowl, SHARE)
    if abs(limit(bowl) - LIMIT) <= 1e-3 and needed == STEPS:
        return ""
    got = f"a limit of {limit(bowl):.4g} and {needed} steps at the best rate"
    return f"the bowl has {got}; {LIMIT} and {STEPS} were ordered"


ORDER = Task(
    name="02.5",
    title="Made to order",
    kind="experiment",
    stars=2,
    answer="bowl",
    reference=(4.0, 0.0694),
    lacks=lacks_order,
    mistakes=(
        Mistake(
            (4.0, -0.07),
            "Two coefficients are wanted, and both have to be above zero. With a "
            "negative one it is a saddle, where nothing arrives.",
            when=lambda bowl: not is_bowl(bowl),
        ),
        Mistake(
            (8.0, 0.139),
            "The limit is half of what was ordered. The curvature is not the "
            "coefficient: that of a w**2 is 2 a.",
            when=lambda bowl: near(limit(bowl), LIMIT / 2),
        ),
        Mistake(
            (4.0, 230.0),
            "Here 0.25 is what the flat direction would bear. The limit is that of "
            "the steep one.",
            when=lambda bowl: near(1 / min(bowl), LIMIT) and not near(*bowl),
        ),
        Mistake(
            (1.0, 0.02),
            "First the limit: it depends on the larger curvature only. Once that is "
            "right, the smaller one sets the number of steps.",
            when=lambda bowl: abs(limit(bowl) - LIMIT) > 1e-3,
        ),
        Mistake(
            (4.0, 4.0),
            "The limit is right. The bowl is too round and is done too soon: make the "
            "flat direction flatter. Your function of task 02.3 tells by how much.",
            when=lambda bowl: bill(bowl, SHARE) < STEPS,
        ),
        Mistake(
            (4.0, 0.02),
            "The limit is right. The valley is too long and takes too many steps: the "
            "flat direction is too flat.",
            when=lambda bowl: bill(bowl, SHARE) > STEPS,
        ),
    ),
)

# 02.6


def trials(rng):
    """A ridge, a plain with a zero eigenvalue, a curved valley, and hills."""
    side = round(rng.uniform(0.05, 0.4), 2)
    hills = [tuple(rng.uniform(-4, 4, 2).round(1).tolist()) for _ in "abc"]
    starts = [
        ("saddle_escape", (1.0, 0.25)),
        ("saddle_escape", (-0.8, -side)),
        ("plateau", (0.0, 1.0)),
        ("plateau", (2.0, -1.5)),
        ("rosenbrock", (-1.2, 1.0)),
        *(("himmelblau", start) for start in hills),
    ]
    return [(surface, start, 30, {}, elsewhere(rng)) for surface, start in starts]


def end(points):
    """Where the path ends."""
    return np.asarray(points, dtype=float)[-1, 0]


def thrown(points, surface, *_):
    """Whether it ends far outside of the picture."""
    return not (np.abs(end(points)) <= 10).all()


def at_rest(points, surface, *_):
    """Whether it ends where the ground is level and bends down."""
    ground = getattr(surfaces, surface)
    w = end(points)
    level = np.abs(ground.gradient(w)).max() < 1e-3
    return level and np.linalg.eigvalsh(ground.hessian(w))[0] < 0


def lacks_minimum(points, surface, start, steps, *_):
    """Where it ends instead of in a minimum."""
    w = end(points)
    minima = np.array(getattr(surfaces, surface).minima)
    if (np.abs(minima - w).max(axis=1) <= 1e-3).any():
        return ""
    there = ", ".join(f"{x:.4g}" for x in w)
    home = " or ".join(f"({x:.4g}, {y:.4g})" for x, y in minima)
    return f"after {steps} steps it is at ({there}); wanted is {home}"


def careful(w, gradient, t, *, hessian, least=1e-3, longest=0.5):
    """Sizes of eigenvalues, none of them tiny, and no long steps."""
    values, vectors = np.linalg.eigh(hessian(w))
    step = vectors @ (vectors.T @ gradient(w) / np.maximum(np.abs(values), least))
    length = np.sqrt(step @ step)
    return w - step * (longest / length if length > longest else 1)


def unlimited(w, gradient, t, *, hessian):
    """No tiny eigenvalues, but steps of any length."""
    return careful(w, gradient, t, hessian=hessian, longest=np.inf)


def first_order(w, gradient, t, *, learning_rate=0.01):
    """No second derivatives."""
    return w - learning_rate * gradient(w)


COMES_DOWN = Task(
    name="02.6",
    title="A Newton that comes down",
    kind="experiment",
    stars=3,
    answer="mine",
    inputs=trials,
    probe=probes.path,
    reference=careful,
    lacks=lacks_minimum,
    mistakes=(
        Mistake(
            optimizers.newton,
            "It came to rest where the ground is level, but in one direction the "
            "ground bends down there. Dividing by a negative eigenvalue turns the step "
            "around; task 02.4 has the cure.",
            when=at_rest,
        ),
        Mistake(
            turned,
            "One eigenvalue is zero at this start, and the step is not a number. Let "
            "no eigenvalue that you divide by be smaller than some small number.",
            when=lambda points, surface, *_: (
                surface == "plateau" and not np.isfinite(points).all()
            ),
        ),
        Mistake(
            unlimited,
            "One step has thrown it far out of the picture. The smaller the "
            "eigenvalue, the longer the step, and the less the second derivatives at "
            "one place say about so distant another. Limit the length of a step.",
            when=thrown,
        ),
        Mistake(
            first_order,
            "It is still on its way: the steps are too short for this ground. Where "
            "the eigenvalues are positive and not tiny, Newton's step has the right "
            "length; do not shorten it there.",
            when=lambda *_: True,
        ),
    ),
)

TASKS = [BEND, SIGNS, BILL, ASKEW, ORDER, COMES_DOWN]
