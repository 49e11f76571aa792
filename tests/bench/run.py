"""Measure the relay from outside, in one run: `python tests/bench/run.py [PART…] [--quick]`.

Parts: `throughput` (CPU and rate by path, size and protection, beside references and peers),
`latency` (added to a 50 ms SES at half the best rate), `large` (ten of 40 MB beside small ones),
`memory` (idle connections), `growth` (with queue, history, rules, users, suppressions).
Without a part all of them. `--quick` takes three minutes on a quiet machine, the full pass twenty
or more. `--json FILE` keeps the numbers. In the end each budget is met or missed; one that is
missed makes it exit with 1.

Trust the ratios: machines swing by a factor of two, references measured beside swing with them. CPU
is that of the whole process tree. A line says how busy the generator and the sink were, and when
one of them, and not the relay, was at its limit.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from budgets import judge
from growth import growth
from large import large
from latency import latency
from memory import memory
from throughput import throughput

PARTS = {part.__name__: part for part in (throughput, latency, large, memory, growth)}


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    quick: bool
    rounds: int

    @property
    def full(self):
        return not self.quick


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="the essential cases, three minutes")
    parser.add_argument("--rounds", type=int, help="how often each case is measured (5; quick: 3)")
    parser.add_argument("--json", type=Path, help="keep the numbers in this file")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    effort = Effort(args.quick, args.rounds or (3 if args.quick else 5))
    results = {}
    _tell_others()
    for name in args.parts or PARTS:
        PARTS[name](effort, results)
        sys.stdout.flush()
    _tell_others()
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return 1 if judge(results) else 0


def _tell_others():
    """Say how busy the machine is, by whomever."""
    minute, five, _ = os.getloadavg()
    print(f"{os.cpu_count()} cores; load {minute:.1f} in the last minute, {five:.1f} in five")


if __name__ == "__main__":
    sys.exit(main())
