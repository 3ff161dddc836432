"""What the tests run over: every public rule and every surface of the library, by name."""

import inspect

from lib import optimizers, surfaces

RULES = {
    name: rule
    for name, rule in vars(optimizers).items()
    if inspect.isfunction(rule) and rule.__module__ == optimizers.__name__ and not name.startswith("_")
}
SURFACES = {name: s for name, s in vars(surfaces).items() if isinstance(s, surfaces.Surface)}
