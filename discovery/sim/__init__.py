"""The practice hospital: pretend devices that speak the real protocols on loopback, with the truth beside them.

`models` reads the catalogue, `generate` makes a hospital, `running` lets it run, `score` compares what was discovered.
Every banner is drafted. Only the command line and tests may import it.
"""

from importlib.resources import files


def practice_document() -> bytes:
    """The shipped practice hospital: seed 1, size 1."""
    return files(__package__).joinpath("hospitals/practice.json").read_bytes()
