"""What the ways of writing the flow are held against each other on: how many messages, how many at once, how slow."""

import os

from tests.bench.side_by_side import Block, Setting

SMALL = float(os.environ.get("KAKARI_BENCH_SCALE", "1"))
"""Of the messages and rounds; less for a look."""

IN_WORK = 16
"""Messages that each of several workers has in work: few, so that a second one shows."""

TEAMS = (1, 2, 4)


def blocks() -> list[Block]:
    """Return what is measured; some 30 minutes on two cores without other work."""
    rounds = max(round(5 * SMALL), 1)
    few, several = max(rounds // 2, 1), max(round(3 * SMALL), 1)
    alone = ("by_hand", "usual", "usual_streamed", "flow", "thrifty")
    shapes = ("by_hand", "flow", "thrifty", "quick", "quickest")
    held = {"KAKARI_CONCURRENCY": str(IN_WORK)}
    return [
        Block("alone", [Setting(way, _many(160), 16, 0.1) for way in alone], rounds),
        Block("shape", [Setting(way, _many(300), 12, 0.5) for way in shapes], 1),
        Block("program", [Setting("usual", _many(160), 12, 0.25), Setting("program", _many(160), 12, 0.25),
                          Setting("program", _many(160), 12, 0.25, traced=True, named="program_traced")], several),
        Block("workers", [Setting("program", _many(192), 6 * IN_WORK, 0.5, held, named=f"workers_{team}", workers=team)
                          for team in TEAMS], few),
        Block("one", [Setting(way, _many(24), 1, 0.05) for way in ("usual", "flow", "thrifty")], few),
        Block("many", [Setting(way, _many(1024), 256, 1.0) for way in ("usual", "flow", "thrifty")], few),
        Block("thousand", [Setting(way, _many(2000), _many(1000), 1.0) for way in ("usual", "flow", "thrifty")], 1),
    ]  # fmt: skip


def _many(count: int, least: int = 24) -> int:
    return max(int(count * SMALL), least)
