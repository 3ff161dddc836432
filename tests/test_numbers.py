"""Every worked number of the five sources, replayed: tests/numbers.json has them as they are printed.

`printed` holds what the library computes against the printed digits; where the source's own figure is off,
the right one stands here beside the reason. `exact` and `keras` in the file were computed once, with other
code than the library's, in float64 and by Keras in float32.
"""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from lib import averages, keras_check, optimizers, surfaces, sweep, trace
from lib.paths import effective_rate, history, signature
from tests.rules import RULES

EXAMPLES = {e["id"]: e for e in json.loads(Path(__file__).with_name("numbers.json").read_text())["examples"]}


@pytest.fixture
def example(request):
    return EXAMPLES[example_of(request.function.__name__)]


def example_of(test):
    """The example that a test replays: test_n01_... is about N01."""
    return test.split("_")[1].upper()


def test_every_example_is_replayed():
    tests = [name for name in globals() if name.startswith("test_n")]
    assert sorted(example_of(name) for name in tests) == list(EXAMPLES)
    assert len(EXAMPLES) == 31


def printed(example, computed, slips=()):
    """Hold what was computed against what was printed.

    `slips` gives, for a value whose printed digits are not the right ones, how the source came to them: the
    number it must have had before it was rounded or cut.
    """
    slips = dict(slips)
    assert [expected["name"] for expected in example["expected"]] == list(computed)
    for expected in example["expected"]:
        name, value = expected["name"], computed[expected["name"]]
        assert value == pytest.approx(expected["exact"], rel=1e-12, abs=1e-15), name
        tolerance = expected["tolerance"] + 1e-12
        if name in slips:
            assert abs(value - float(expected["printed"])) > tolerance, name
            value = slips.pop(name)
        assert abs(value - float(expected["printed"])) <= tolerance, name
    assert not slips


def replay(rule, example, **hyperparameters):
    surface = surfaces.quadratic(example["coef"], example["target"])
    hyperparameters = hyperparameters or example["hyperparameters"]
    return history(rule, surface.gradient, example["start"], example["steps"], **hyperparameters)


def cut(value, decimals):
    """Digits cut off instead of rounded."""
    return np.trunc(value * 10**decimals) / 10**decimals


def test_n01_gradient_descent_by_hand(example):
    record = replay(optimizers.gradient_descent, example)
    (g1, g2), (w1, w2) = record["gradient"][0], record["w"][1]
    printed(example, {"grad1": g1, "grad2": g2, "w1": w1, "w2": w2})
    np.testing.assert_allclose(record["w"], example["keras_path"], rtol=1e-7)


def test_n02_adagrad_by_hand(example):
    record = replay(optimizers.adagrad, example)
    g, G, w = record["gradient"], record["accumulator"], record["w"]
    computed = {}
    for step, now, then in [(0, "t", "t+1"), (1, "t+1", "t+2")]:
        for i in (0, 1):
            computed[f"grad_{now}[{i + 1}]"] = g[step, i]
        for i in (0, 1):
            computed[f"G_{now}[{i + 1}]"] = G[step, i]
        for i in (0, 1):
            computed[f"w{i + 1},{then}"] = w[step + 1, i]
    printed(example, computed)
    np.testing.assert_allclose(w, example["keras_path"], rtol=1e-6)
    # Keras starts the sum at 0.1, and so ends elsewhere.
    default = replay(optimizers.adagrad, example, learning_rate=1.0)["w"]
    np.testing.assert_allclose(default, example["keras_default_path"], rtol=1e-6)
    # The epsilon that the slides recommend, and use nowhere.
    recommended = replay(optimizers.adagrad, example, **{**example["hyperparameters"], "epsilon": 1e-6})["w"]
    np.testing.assert_allclose(recommended, example["path_with_epsilon_1e_6"], rtol=1e-12)


def test_n03_rmsprop_by_hand(example):
    record = replay(optimizers.rmsprop, example)
    g, G, w, rate = record["gradient"], record["v"], record["w"], effective_rate(record)
    printed(
        example,
        {
            "G_t[1]": G[0, 0],
            "G_t[2]": G[0, 1],
            "alpha/sqrt(G)[1]": rate[0, 0],
            "alpha/sqrt(G)[2]": rate[0, 1],
            "w1,t+1": w[1, 0],
            "w2,t+1": w[1, 1],
            "grad_t+1[1]": g[1, 0],
            "grad_t+1[2]": g[1, 1],
            "grad^2[1]": g[1, 0] ** 2,
            "grad^2[2]": g[1, 1] ** 2,
            "G_t+1[1]": G[1, 0],
            "G_t+1[2]": G[1, 1],
            "w1,t+2": w[2, 0],
            "w2,t+2": w[2, 1],
        },
        slips={  # the source goes on from its rounded weight 2.37
            "grad^2[2]": (2 * (2.37 - 2)) ** 2,
            "G_t+1[2]": 0.9 * 0.4 + 0.1 * 0.548,
        },
    )
    np.testing.assert_allclose(w, example["keras_path"], rtol=1e-6)
    default = replay(optimizers.rmsprop, example, learning_rate=0.2, rho=0.9)["w"]
    np.testing.assert_allclose(default, example["keras_default_path"], rtol=1e-6)


def test_n04_adadelta_by_hand(example):
    record = replay(optimizers.adadelta_zeiler, example)
    g, G, S, w = record["gradient"], record["accumulator"], record["delta_accumulator"], record["w"]
    rate = effective_rate(record)
    printed(
        example,
        {
            'sqrt(eps) "initial learning rate alpha"': np.sqrt(example["hyperparameters"]["epsilon"]),
            "G_t[1]": G[0, 0],
            "G_t[2]": G[0, 1],
            "coef_t[1]": rate[0, 0],
            "coef_t[2]": rate[0, 1],
            "w1,t+1": w[1, 0],
            "w2,t+1": w[1, 1],
            "grad_t+1[1]": g[1, 0],
            "grad_t+1[2]": g[1, 1],
            "grad^2[1]": g[1, 0] ** 2,
            "grad^2[2]": g[1, 1] ** 2,
            "G_t+1[1]": G[1, 0],
            "G_t+1[2]": G[1, 1],
            "S_t[1]": S[0, 0],
            "S_t[2]": S[0, 1],
            "coef_t+1[1]": rate[1, 0],
            "coef_t+1[2]": rate[1, 1],
            "w1,t+2": w[2, 0],
            "w2,t+2": w[2, 1],
        },
        slips={  # the source goes on from its rounded weights 2.03 and 2.968, and twice cuts digits off
            "grad_t+1[2]": 2 * (2.968 - 2),
            "grad^2[1]": (2 * (2.03 - 4)) ** 2,
            "S_t[1]": 0.1 * (2 - 2.03) ** 2,
            "coef_t+1[1]": cut(np.sqrt(0.00009 + 0.0001) / np.sqrt(0.9 * 1.6 + 0.1 * 15.52 + 0.0001), 6),
            "w1,t+2": 2.03 - 0.007968 * -3.94,
            "w2,t+2": cut(2.968 - 0.0165 * 1.936, 2),
        },
    )
    np.testing.assert_allclose(w, example["exact_path"], rtol=1e-14)
    np.testing.assert_allclose(w, example["keras_path"], rtol=1e-6)
    # "These match well", says the source of its 2.061: it is 0.0028, 8.8 % of the second step, short of this.
    assert w[2, 0] == pytest.approx(2.0638, abs=5e-5)
    assert w[2, 0] - 2.061 == pytest.approx(0.0028, abs=5e-5)
    assert (w[2, 0] - 2.061) / (w[2, 0] - w[1, 0]) == pytest.approx(0.088, abs=5e-4)


def test_n05_adadelta_as_keras_printed_it(example):
    path = replay(optimizers.adadelta, example)["w"]
    gradient = surfaces.quadratic(example["coef"], example["target"]).gradient
    keras = keras_check.keras_path(
        "Adadelta",
        lambda w, t: gradient(w),
        example["start"],
        example["steps"],
        **example["hyperparameters"],
    )
    assert len(example["expected"]) == keras.size == path.size == 22
    values = zip(example["expected"], keras.flat, path.flat)
    for expected, single, exact in values:
        assert np.float32(expected["printed"]) == single, expected["name"]  # bit for bit
        assert exact == pytest.approx(expected["exact"], rel=1e-14)
        assert abs(exact - single) < np.spacing(single), expected["name"]  # the last digit that is printed
    np.testing.assert_array_equal(keras, np.float32(example["keras_path"]))


def test_n06_the_first_averages(example):
    first, second = example["data"]["theta_1"], example["data"]["theta_2"]
    v = averages.ewma_series([first, second], **example["hyperparameters"])
    corrected = averages.corrected_series([first, second], **example["hyperparameters"])
    computed = {
        "V_1": v[0],
        "V_2": v[1],
        "V_1_corrected": corrected[0],
        "V_2_corrected": corrected[1],
        "V_2_if_V1_is_theta1": averages.ewma_series([first, second], 0.9, initial=first)[1],
    }
    assert computed == pytest.approx(example["not_printed"], rel=1e-14)


def test_n07_the_window(example):
    betas = example["hyperparameters"]["beta"]
    printed(example, {f"window({beta})": averages.effective_window(beta) for beta in betas})
    for beta in betas:
        window = round(averages.effective_window(beta))
        assert {
            "weight_in_last_1_over_1_minus_beta": averages.weights(beta, window).sum(),
            "mean_age_days": averages.latency(beta),
            "equal_variance_window": averages.equal_noise_window(beta),
            "half_life_days": averages.half_life(beta),
        } == pytest.approx(example["derived"][str(beta)], rel=1e-12)


def test_n08_the_weights_of_the_first_days(example):
    beta = example["hyperparameters"]["beta"]
    today, yesterday = averages.weights(beta, 2)
    seen = today + yesterday
    printed(
        example,
        {
            "coef theta1 in V1": today,
            "coef theta1 in V2": yesterday,
            "coef theta2 in V2": today,
            "1-beta^2": seen,
        },
    )
    assert averages.debias(seen, beta, 2) == pytest.approx(1, rel=1e-14)
    days = [example["data"]["theta_1"], example["data"]["theta_2"]]
    v, corrected = averages.ewma_series(days, beta), averages.corrected_series(days, beta)
    computed = {"V_1": v[0], "V_2": v[1], "V_1_corrected": corrected[0], "V_2_corrected": corrected[1]}
    assert computed == pytest.approx(example["not_printed"], rel=1e-13)


WIDTHS = (784, 32, 20, 10)
LAYERS = [n * k + k for n, k in itertools.pairwise(WIDTHS)]
PARAMETERS = sum(LAYERS)


def test_n09_the_size_of_a_network(example):
    size = PARAMETERS * np.dtype("float64").itemsize
    printed(example, {"parameters": PARAMETERS, "bytes float64": size, '"203Kb"': size // 1024})
    assert size / 1024 == pytest.approx(203.05, abs=5e-3)  # so the "Kb" are KiB
    assert example["derived"] == {
        "layers": LAYERS,
        "float32_bytes": PARAMETERS * np.dtype("float32").itemsize,
        "bytes_7B_float64": 7e9 * 8,
        "bytes_7B_float32": 7e9 * 4,
    }


def kept(rule):
    """How many numbers a rule keeps from step to step for the network's weights."""
    state = rule(np.ones(PARAMETERS), lambda w: w, 1)[1:]
    return sum(np.size(part) for part in state)


def test_n10_what_an_optimizer_keeps(example):
    twins = {
        "SGD": "gradient_descent",
        "SGD momentum": "momentum",
        "SGD nesterov": "nesterov_keras",
        "Adagrad": "adagrad",
        "RMSprop": "rmsprop",
        "Adadelta": "adadelta",
        "Adam": "adam",
        "Nadam": "nadam",  # and the product of its momenta, one number for all weights
    }
    slots = dict(example["keras_slots"])
    assert slots.pop("Adam amsgrad") == 3 * PARAMETERS  # a variant that no source has
    assert {name: kept(RULES[rule]) for name, rule in twins.items()} == slots

    # Weights, gradients and what is kept. Rprop keeps a step size and a sign, which makes four; "at least
    # triple" holds if the signs are stored as single bits.
    rules = {**twins, "plain minibatch": "gradient_descent", "Rprop": "rprop"}
    words = {"twice": 2, "triple": 3, "quadruple": 4, "quadrupled": 4, "at least triple": 4}
    said = {name: text for name, text in example["printed"].items() if name != "training on minibatch"}
    assert len(said) == 7
    for name, text in said.items():
        assert 2 + kept(RULES[rules[name]]) / PARAMETERS == words[text], name


def test_n11_two_to_three_times_the_model(example):
    def times(batch, activations):
        return (2 * PARAMETERS + batch * activations) / PARAMETERS

    outputs = sum(WIDTHS[1:])
    for name, activations in [("outputs_kept", outputs), ("input_kept_too", sum(WIDTHS))]:
        computed = {batch: times(int(batch), activations) for batch in example[name]}
        assert computed == pytest.approx(example[name], abs=5e-5)
    # "2 to 3 times" holds up to a batch of 419, or of 30 if the input is counted.
    assert times(419, outputs) < 3 < times(420, outputs)
    assert times(30, sum(WIDTHS)) < 3 < times(31, sum(WIDTHS))


def test_n12_the_number_of_batches(example):
    printed(example, {"number of mini-batches": example["data"]["m"] / example["data"]["batch"]})


def test_n13_the_saddle(example):
    curvatures = np.linalg.eigvalsh(surfaces.saddle.hessian((0.0, 0.0)))
    g = surfaces.saddle.gradient((0.0, 0.0))
    printed(
        example,
        {"lambda1": curvatures[1], "lambda2": curvatures[0], "grad(0,0)[1]": g[0], "grad(0,0)[2]": g[1]},
    )
    ratios = curvatures[:, None] / curvatures
    assert ratios.max() == example["derived"]["condition_number_as_printed_max_li_over_lj"]
    assert np.abs(ratios).max() == example["derived"]["abs_condition_number"]


def test_n14_rprop_on_minibatches(example):
    def passed(gradients, w, size, sign):
        """Rprop on these gradients: weight, step size and sign at the end; how often it grew and shrank."""
        sizes = [size]
        for t, g in enumerate(gradients, 1):
            w, size, sign = optimizers.rprop(w, lambda w, g=g: g, t, size, sign, **example["hyperparameters"])
            sizes.append(size)
        changes = np.diff(sizes)
        return (w, size, sign), int((changes > 0).sum()), int((changes < 0).sum())

    data, size = example["data"], example["hyperparameters"]["initial_step_size"]
    end, increases, decreases = passed(data, 0.0, size, 0.0)
    printed(
        example,
        {"sum of gradients (SGD)": sum(data), "increases": increases, "decreases": decreases},
        # The first gradient has none before it to agree with; unless one counts as if a positive one had.
        slips={"increases": passed(data, 0.0, size, 1.0)[1]},
    )
    assert {
        "weight_change": end[0],
        "final_step": end[1],
        "increases": increases,
        "decreases": decreases,
    } == pytest.approx(example["one_pass"], rel=1e-12)
    # In every later pass the step size grows 8 times and shrinks twice.
    later, increases, decreases = passed(data, *end)
    assert (increases, decreases) == (8, 2)
    assert later[1] / end[1] == pytest.approx(example["measured_factor_per_later_pass"], rel=1e-12)


def test_n15_the_least_step_size(example):
    least = signature(optimizers.rprop)[1]["min_step_size"]
    printed(example, {"min as decimal": least}, slips={"min as decimal": 1e-7})  # a zero too many


def test_n16_one_to_the_minus_eighth(example):
    epsilon = signature(optimizers.nadam_taught)[1]["epsilon"]
    assert epsilon == float(example["expected"][0]["printed"])
    printed(example, {"1^-8 read as 1e-8": 1.0**-8}, slips={"1^-8 read as 1e-8": epsilon})


def test_n17_the_terminal_step(example):
    for momentum, derived in example["derived"].items():
        path = trace(
            optimizers.momentum, np.ones_like, (0.0,), 1000, learning_rate=0.1, momentum=float(momentum)
        )
        terminal = (path[-2, 0] - path[-1, 0]) / 0.1
        assert terminal == pytest.approx(derived["terminal_step_over_eta_g"], rel=1e-9)


def test_n18_the_defaults(example):
    said, keras = example["printed"], example["keras_defaults"]
    paper = signature(optimizers.adam_paper)[1]

    def number(text):
        return float(text.replace("10^", "1e"))

    for source, names in [
        (said["MXDL-2 slides"], ("alpha", "beta_1", "beta_2", "epsilon")),
        (said["ADAM slides"], ("alpha", "beta_1", "beta_2", "epsilon")),
        (said["handwritten notes"], ("epsilon", "rho1", "rho2", "delta")),
        (said["lecture slides"]["adam"], ("epsilon", "rho1", "rho2", "delta")),
    ]:
        assert [number(source[name]) for name in names] == list(paper.values())

    course = said["Course 6 slides"]
    assert (number(course["beta_1"]), number(course["beta_2"])) == (paper["beta_1"], paper["beta_2"])
    assert number(course["rmsprop_gamma"]) == signature(optimizers.rmsprop)[1]["rho"]
    assert number(course["rmsprop_eps"]) == signature(optimizers.rmsprop_outside)[1]["epsilon"]
    assert number(course["momentum"].split(",")[0]) == signature(optimizers.momentum)[1]["momentum"]
    rprop = signature(optimizers.rprop)[1]
    names = ("eta_plus", "eta_minus", "min_step_size", "max_step_size", "initial_step_size")
    assert [float(number) for number in course["rprop"].split()] == [rprop[name] for name in names]
    assert number(said["lecture slides"]["adagrad_delta"]) == signature(optimizers.adagrad)[1]["epsilon"]
    assert number(said["lecture slides"]["rmsprop_delta"]) == 10 * signature(optimizers.rmsprop)[1]["epsilon"]

    # Keras's defaults are the rules'; its epsilon is ten times the papers' and the sources'.
    rules = {
        "SGD": "gradient_descent",
        "Adagrad": "adagrad",
        "RMSprop": "rmsprop",
        "Adadelta": "adadelta",
        "Adam": "adam",
        "Nadam": "nadam",
    }
    for name, rule in rules.items():
        switched_off = {"momentum": 0.0, "nesterov": False, "centered": False, "amsgrad": False}
        rest = {key: value for key, value in keras[name].items() if key not in switched_off}
        assert rest == signature(RULES[rule])[1]
        assert switched_off | keras[name] == keras[name] | switched_off
    assert keras["Adam"]["epsilon"] == pytest.approx(10 * paper["epsilon"])


def follows_keras(example, rule, **hyperparameters):
    """The rule against the path that Keras took in float32, and against what was read off that path."""
    surface = surfaces.quadratic(example["coef"], example["target"])
    path = replay(rule, example, **hyperparameters)["w"]
    np.testing.assert_allclose(path, example["keras_path"], rtol=0, atol=2e-6)

    loss, off = surface.value(path.T), path - example["target"]
    keras = dict(example["keras"])
    losses = keras.pop("losses_at")
    assert {step: loss[int(step)] for step in losses} == pytest.approx(losses, abs=3e-6)
    first = {bound: np.flatnonzero(loss < float(bound)) for bound in keras["steps_to_loss_below"]}
    steps = {bound: int(below[0]) if below.size else None for bound, below in first.items()}
    assert steps == keras.pop("steps_to_loss_below")
    rest = {
        "path_length": np.hypot(*np.diff(path, axis=0).T).sum(),
        "max_w1_overshoot": max(0.0, off[:, 0].max()),
        "w2_sign_changes": np.count_nonzero(np.diff(np.sign(off[:, 1]))),
        "min_loss_step": np.argmin(loss),
    }
    assert {name: rest[name] for name in keras} == pytest.approx(keras, abs=1e-4)


def test_n19_zigzag(example):
    follows_keras(example, optimizers.gradient_descent, learning_rate=0.8)


def test_n20_zigzag_with_momentum(example):
    follows_keras(example, optimizers.momentum, learning_rate=0.8, momentum=0.2)


def test_n21_comparison_gradient_descent(example):
    follows_keras(example, optimizers.gradient_descent, learning_rate=0.8)


def test_n22_comparison_momentum(example):
    follows_keras(example, optimizers.momentum, learning_rate=0.8, momentum=0.2)


def test_n23_comparison_nesterov(example):
    follows_keras(example, optimizers.nesterov_keras, learning_rate=0.1, momentum=0.2)


def test_n24_comparison_adagrad(example):
    follows_keras(example, optimizers.adagrad, learning_rate=0.8)


def test_n25_comparison_rmsprop(example):
    follows_keras(example, optimizers.rmsprop, learning_rate=0.2, rho=0.9)


def test_n26_comparison_adadelta(example):
    follows_keras(example, optimizers.adadelta, learning_rate=5.0, rho=0.9, epsilon=1e-4)


def test_n27_comparison_adam(example):
    follows_keras(example, optimizers.adam, learning_rate=0.1, beta_1=0.9, beta_2=0.9)


def test_n28_zigzag_with_adagrad(example):
    follows_keras(example, optimizers.adagrad, learning_rate=0.8)


def test_n29_nesterov_at_the_rate_of_the_others(example):
    settings = {"learning_rate": 0.8, "momentum": 0.2}
    surface = surfaces.quadratic(example["coef"], example["target"])
    end = replay(optimizers.nesterov_keras, example, **settings)["w"][-1]
    np.testing.assert_allclose(end, example["keras"]["end_point"], rtol=1e-5)
    assert surface.value(end) == pytest.approx(example["keras"]["end_loss"], rel=1e-5)

    curvature, momentum = 2 * max(example["coef"]), settings["momentum"]
    limits = {
        "gd": 2 / curvature,
        "momentum": 2 * (1 + momentum) / curvature,
        "nag": 2 * (1 + momentum) / ((1 + 2 * momentum) * curvature),
    }
    assert limits == pytest.approx(example["stability_limits"], rel=1e-14)
    for name, rule, other in [
        ("gd", optimizers.gradient_descent, {}),
        ("momentum", optimizers.momentum, {"momentum": momentum}),
        ("nag", optimizers.nesterov, {"momentum": momentum}),
    ]:
        rates = limits[name] * np.array([0.99, 1.01])
        below, above = sweep(rule, surface, example["start"], 2000, learning_rate=rates, **other)[
            "final_loss"
        ]
        assert below < 1e-12
        assert above > 1e12


def test_n30_the_listing_as_printed(example):
    keras = keras_check.tensorflow().keras.optimizers
    for name, call in [
        ("momentum_0", lambda: keras.SGD(learning_rate=0.8, momentum=0)),
        ("learning_rate_int_1", lambda: keras.SGD(learning_rate=1)),
    ]:
        kind, message = example["keras"][name].split(": ")
        assert kind == "ValueError"
        with pytest.raises(ValueError, match=re.escape(message)):
            call()
    # The library takes whole numbers for what they are.
    surface = surfaces.ravine
    path = trace(optimizers.momentum, surface.gradient, surface.start, 50, learning_rate=1, momentum=0)
    expected = trace(optimizers.gradient_descent, surface.gradient, surface.start, 50, learning_rate=1.0)
    np.testing.assert_array_equal(path, expected)


def test_n31_two_steps_of_the_others(example):
    momentum = {"learning_rate": 0.1, "momentum": 0.9}
    rules = {
        "momentum": momentum,
        "momentum_averaged": momentum,
        "nesterov": momentum,
        "nesterov_keras": momentum,
        "adam_inside": {"learning_rate": 0.2},
        "adam_paper": {"learning_rate": 0.2},
        "adam_uncorrected": {"learning_rate": 0.2},
        "nadam_taught": {"learning_rate": 0.2},
        "nadam": {"learning_rate": 0.2},
        "rprop": {"initial_step_size": 0.01},
    }
    assert rules.keys() == example["rules"].keys()
    for rule, hyperparameters in rules.items():
        path = replay(RULES[rule], example, **hyperparameters)["w"]
        np.testing.assert_allclose(path, example["rules"][rule], rtol=1e-12, err_msg=rule)

    twins = {
        "SGD(0.1, momentum=0.9)": ("momentum", momentum),
        "SGD(0.1, momentum=0.9, nesterov=True)": ("nesterov_keras", momentum),
        "Adam(0.2)": ("adam", {"learning_rate": 0.2}),
        "Nadam(0.2)": ("nadam", {"learning_rate": 0.2}),
        "Adadelta(1.0)": ("adadelta", {"learning_rate": 1.0}),
    }
    assert twins.keys() == example["keras"].keys()
    for call, (rule, hyperparameters) in twins.items():
        path = replay(RULES[rule], example, **hyperparameters)["w"]
        np.testing.assert_allclose(path, example["keras"][call], rtol=0, atol=5e-6, err_msg=call)
