"""Grade what the students have handed in: `python -m lib.homework grade SUBMISSIONS
--out results`.

Exit status: 0 if everything was graded, whatever the grades; 1 if something could not
be, which is named; 2 if the command cannot run as it was given.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import functools
import json
import logging
import secrets
import sys
from pathlib import Path

from tqdm import tqdm

from lib.homework import grading, printed, report, sandbox, submissions

ROOT = Path(__file__).parents[2]
NOT_GRADED = (
    "unreadable",
    "unknown",
    "several notebooks",
    "another exercise",
    "not graded",
)
MINUTE = 60  # seconds
NO_WORKER = "2 minutes"  # that a submission waits for one
log = logging.getLogger("grade")


class Usage(Exception):
    """The command cannot run as it was given; the text says why."""


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m lib.homework",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    grade = commands.add_parser("grade", help="grade a folder of submissions")
    limits = sandbox.Limits()
    megabytes = limits.memory // sandbox.MEGABYTE
    for name, options in {
        "submissions": dict(
            type=Path, help="a folder with a notebook or a folder for each student"
        ),
        "--out": dict(
            type=Path,
            required=True,
            metavar="FOLDER",
            help="where the results go; what is graded there is not graded again",
        ),
        "--exercise": dict(metavar="NAME", help="only this one, such as 05_momentum"),
        "--exercises": dict(
            type=Path,
            metavar="FOLDER",
            default=ROOT / "exercises",
            help="the notebooks as they were handed out",
        ),
        "--seed": dict(
            type=_natural,
            metavar="N",
            help="draws the inputs that no student has seen; by default that of the "
            "last run into this folder, or a new one",
        ),
        "--workers": dict(
            type=_natural,
            default=2,
            metavar="N",
            help="how many submissions to grade at a time on this machine (2)",
        ),
        "--scheduler": dict(
            metavar="ADDRESS", help="grade on the Dask cluster of this scheduler"
        ),
        "--time-limit": dict(
            type=_positive,
            default=limits.seconds,
            metavar="SECONDS",
            help=f"for each task ({limits.seconds})",
        ),
        "--memory": dict(
            type=_natural,
            default=megabytes,
            metavar="MB",
            help=f"for each submission ({megabytes})",
        ),
        "--without-isolation": dict(
            action="store_true",
            help="run the answers as programs of yours, which may do all that you may",
        ),
    }.items():
        grade.add_argument(name, **options)
    return parser.parse_args(arguments)


def _natural(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


def _positive(text):
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 1e5:
            return float(text)
    raise argparse.ArgumentTypeError(f"a number from 0 to 100,000, not {text!r}")


def grade(options):
    """Grade and report; return the exit status. Raises `Usage`."""
    known = _exercises(options)
    if not options.submissions.is_dir():
        raise Usage(f"{options.submissions} is no folder")
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise Usage("the results would lie among the submissions: choose another --out")
    if not options.without_isolation:
        _check_isolation(options)
    try:
        (options.out / "stored").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Usage(f"no results can go to {options.out}: {error.strerror}") from None
    with _logging(options.out / "log.txt"):
        seed = _seed(options)
        log.info("seed %s, isolation %s", seed, not options.without_isolation)
        if strangers := submissions.strangers(options.submissions):
            message = f"neither a notebook nor a folder: {', '.join(strangers)}"
            log.info(message)
            print(message, file=sys.stderr)
        table = list(_rows(options, known, seed))
    if not table:
        raise Usage(f"{options.submissions} holds no submissions")
    report.write(options.out, table)
    return _conclude(table, options.out, seed)


def _rows(options, known, seed):
    """The rows of all submissions, graded now or before; what is new is stored."""
    limits = sandbox.Limits(options.time_limit, options.memory * sandbox.MEGABYTE)
    jobs, waiting = {}, {}  # by key
    for one in submissions.collect(options.submissions, list(known), options.exercise):
        if one.problem:
            log.info("%s %s: %s %s", one.student, one.exercise, one.problem, one.detail)
            yield from report.failed_rows(one, one.problem, one.detail)
            continue
        job = grading.make_job(
            (one.exercise, known[one.exercise]),
            one.answers,
            seed,
            dataclasses.asdict(limits),
            not options.without_isolation,
        )
        key = grading.key(job)
        jobs[key] = job
        waiting.setdefault(key, []).append(one)
    store = {key: options.out / "stored" / f"{key}.json" for key in jobs}
    new = {key: job for key, job in jobs.items() if not store[key].exists()}
    log.info("%d are graded already, %d to grade", len(jobs) - len(new), len(new))
    for key in jobs.keys() - new.keys():
        outcome = json.loads(store[key].read_text(encoding="utf-8"))
        for one in waiting[key]:
            yield from report.rows(one, outcome)
    with _progress(len(jobs), len(jobs) - len(new)) as progress:
        for key, outcome, trouble in _graded(new, options):
            if not trouble:
                report.replace(store[key], json.dumps(outcome))
            for one in waiting[key]:
                log.info("%s %s: %s", one.student, one.exercise, trouble or "graded")
                if trouble:
                    yield from report.failed_rows(one, "not graded", trouble)
                else:
                    yield from report.rows(one, outcome)
            progress.update()


@contextlib.contextmanager
def _logging(path):
    with contextlib.closing(logging.FileHandler(path, encoding="utf-8")) as handler:
        try:
            fcntl.flock(handler.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Usage(f"another grader is at work on {path.parent}") from None
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
        yield
        log.removeHandler(handler)


def _exercises(options):
    known = submissions.exercises(options.exercises)
    if not known:
        raise Usage(f"{options.exercises} holds no exercises (--exercises)")
    if options.exercise not in (None, *known):
        raise Usage(f"{options.exercise} is none of {', '.join(known)}")
    return known


def _check_isolation(options):
    try:
        sandbox.check_isolation()
    except sandbox.Unisolated as error:
        raise Usage(
            f"no isolation: {error}.\nThe answers are programs that nobody has read. "
            "To run them nevertheless as programs of yours: --without-isolation"
        ) from None
    for path in (options.submissions, options.out, options.exercises):
        if place := sandbox.visible(path):
            raise Usage(f"{path} lies in {place}, which the answers can read")


def _seed(options):
    path = options.out / "seed"
    if options.seed is None and path.exists():
        return int(path.read_text(encoding="ascii"))
    seed = options.seed or secrets.randbelow(1 << 31) + 1
    report.replace(path, f"{seed}\n")
    return seed


def _graded(jobs, options):
    """The key of each job as it is done, with its outcome, or with what kept it from
    being graded."""
    if not jobs:
        return
    import distributed

    with contextlib.ExitStack() as stack:
        if options.scheduler:
            try:
                client = distributed.Client(options.scheduler, timeout=10)
            except (OSError, ValueError) as error:
                raise Usage(f"no scheduler at {options.scheduler}: {error}") from None
        else:
            cluster = _cluster(min(options.workers, len(jobs)))
            stack.callback(_close, cluster)
            client = distributed.Client(cluster)
        stack.enter_context(client)
        submit = functools.partial(client.submit, grading.grade, pure=False)
        futures = {submit(job, key): key for key, job in jobs.items()}
        suspects = []
        for future in distributed.as_completed(futures):
            if future.status == "error" and isinstance(
                future.exception(), distributed.KilledWorker
            ):
                suspects.append(futures[future])
            else:
                yield futures[future], *_result(future)
            future.release()
        for key in suspects:  # alone, so that none is named for what another has done
            yield key, *_result(submit(jobs[key], key))


def _cluster(workers):
    """Workers on this machine. What waits for one fails if none comes back any more."""
    import dask
    import distributed

    with dask.config.set({"distributed.scheduler.no-workers-timeout": NO_WORKER}):
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0"
        )


def _close(cluster):
    """Close a cluster, which might wait for ever for a worker that was killed."""
    with contextlib.suppress(TimeoutError):
        cluster.close(timeout=30)


def _result(future):
    """The outcome of a job, or what kept it from being graded."""
    if future.cancelled():
        return None, "the cluster has lost it"
    error = future.exception()
    if error is None:
        return future.result(), ""
    return None, printed.clean(str(error)) or type(error).__name__


def _conclude(table, out, seed):
    """Say on stderr what was not graded, and on stdout where the results are; return
    the exit status."""
    missing = {}
    for row in table:
        if row.problem in NOT_GRADED:
            missing[row.student, row.exercise] = row.text
    for (student, exercise), text in sorted(missing.items()):
        print(f"{student} {exercise}: {text}", file=sys.stderr)
    students = {row.student for row in table}
    print(f"{len(students)} students, seed {seed}: {out / 'summary.html'}")
    return 1 if missing else 0


def _progress(total, done):
    """A bar on stderr, if somebody looks at it; in a log, a line a minute at most."""
    options = {"total": total, "initial": done, "miniters": 1, "disable": done == total}
    if sys.stderr.isatty():
        return tqdm(unit="submission", **options)
    shown = "{n_fmt} of {total_fmt} graded, {remaining} to go"
    options |= {"file": _Lines(), "leave": False, "bar_format": shown}
    return tqdm(delay=MINUTE, mininterval=MINUTE, **options)


class _Lines:
    """Writes what would be drawn over the last text as a line of its own."""

    def write(self, text):
        """Write the text to stderr, unless it is blank."""
        if text.strip():
            print(text.strip(), file=sys.stderr, flush=True)


def main(arguments=None):
    """The command; returns its exit status."""
    options = parse(arguments)
    try:
        return grade(options)
    except Usage as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
