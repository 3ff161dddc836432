"""Print one table: what was measured, the goal, and whether it holds."""

import sys

from benchmarks import averages, grader, page, paths, startup, sweeps

HEAD = ("what", "ours", "contender", "ratio", "goal", "verdict")


def main():
    table = [HEAD]
    for module in (startup, averages, sweeps, paths, grader, page):
        print(module.__doc__, file=sys.stderr)
        for row in module.rows():
            print(
                f"  {row.what}, {row.contender}: {row.verdict}",
                file=sys.stderr,
                flush=True,
            )
            table.append(row.cells())
    widths = [max(map(len, column)) for column in zip(*table)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print(
        "ratio: ours to the contender's if the goal is an upper limit, the contender's to ours if a lower one"
    )


if __name__ == "__main__":
    main()
