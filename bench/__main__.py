"""`./x bench [NAME ...]`: runs the named measurements, or all of them, and prints what they found."""

import importlib
import pkgutil
import sys

import bench

NAMES = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))


def main() -> None:
    wanted = sys.argv[1:] or NAMES
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"bench: unknown measurement {unknown[0]!r}; known: {', '.join(NAMES)}")
    for name in wanted:
        print(f"\n== {name}")
        importlib.import_module(f"bench.{name}").main()


main()
