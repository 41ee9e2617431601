"""python -m eval RUN [RUN …] [-o DIR] [--bootstrap 1000] [--public] [--latex] [--fail-under macro_f1=.70]

Judges predictions of the first run beside the others and the floors, and writes the report. `compare`, `stress` and
`floors` are commands of their own.
"""

from __future__ import annotations

import click

from eval.compare import compare_command
from eval.report.command import report_command
from eval.stress.command import stress_command
from eval.yardsticks.floors import floors_command

COMMANDS = {
    "report": report_command,
    "compare": compare_command,
    "stress": stress_command,
    "floors": floors_command,
}


class Doors(click.Group):
    """A group whose first word may be left out: a path instead of a command means `report`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `report` in front where the first word names no command."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["report", *args]
        return super().parse_args(ctx, args)


main = Doors(name="python -m eval", commands=COMMANDS, help=f"\b\n{__doc__}")

if __name__ == "__main__":
    main(prog_name="python -m eval")
