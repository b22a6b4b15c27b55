"""The proxy beside others, measured side by side on this machine.

    python -m bench.proxy all                  everything, then the report; about half an hour
    python -m bench.proxy all --quick          the same in a few minutes, only to see that it works
    python -m bench.proxy table --only nginx-lua,gatekeeper

Results go to bench/results, the report to docs/performance.md. With --quick or --only the results go to .bench/results
and the report to the terminal alone. The proxy has core 0, origin and load generators core 1; nothing else
should run meanwhile.
"""

import argparse
import signal
import sys
from collections.abc import Callable

from bench.proxy import bodies, growth, latency, profile, report, table
from bench.proxy.awake import awake
from bench.proxy.install import install
from bench.proxy.peers import KEYS
from bench.proxy.processes import CannotRunError
from bench.proxy.results import Options, Row, save

MEASUREMENTS: dict[str, Callable[[Options], list[Row]]] = {
    "table": table.measure,
    "halting": table.halting,
    "latency": latency.alone,
    "tail": latency.tail,
    "bodies": bodies.large,
    "streams": bodies.streams,
    "idle": growth.idle,
    "rules": growth.rules,
    "inflight": growth.in_flight,
    "workers": growth.workers,
    "profile": profile.measure,
}


def main() -> int:
    """0: measured; 1: something that was asked for could not be."""
    wanted = _arguments()
    # So that the servers end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = Options(quick=wanted.quick, only=tuple(one for one in wanted.only.split(",") if one))
    seconds = wanted.seconds or (1 if options.quick else options.seconds)
    rounds = wanted.rounds or (1 if options.quick else options.rounds)
    options = Options(seconds, rounds, options.quick, options.only)
    if wanted.what in ("all", "install") and not install() and wanted.what == "install":
        return 1
    names = [one for one in MEASUREMENTS if wanted.what in ("all", one)]
    failed = False
    for name in names:
        print(f"measuring {name}", file=sys.stderr)
        try:
            with awake(name != "halting"):
                save(name, MEASUREMENTS[name](options), options)
        except CannotRunError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    if names or wanted.what == "report":
        print(report.terminal(names or list(MEASUREMENTS), published=options.published))
        if options.published:
            report.write()
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.proxy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["all", "install", *MEASUREMENTS, "report"])
    parser.add_argument("--quick", action="store_true", help="short runs, only to see that it works")
    parser.add_argument("--seconds", type=float, help="length of one run")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--only", default="", help=f"of {','.join(KEYS)}")
    wanted = parser.parse_args()
    unknown = set(wanted.only.split(",")) - {"", *KEYS}
    if unknown:
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
