"""`make bench`: every benchmark, one after another; `python -m bench NAME...` runs some."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("ami", "ring_to_pop", "calls", "board", "restart", "routing")


def main(names: list[str]) -> None:
    """Run the named benchmarks, all without names."""
    for name in names or BENCHMARKS:
        if name not in BENCHMARKS:
            raise SystemExit(f"no benchmark {name!r}: {', '.join(BENCHMARKS)}")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
