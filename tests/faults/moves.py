"""The full form of the killed moves: `python -m tests.faults.moves --times 5` (F71).

Every move is killed at each of its steps once, at a statement drawn by chance; so many moves on
each way give so many kills of every step. Ends with 1 when a row differs or a move does not finish.
"""

import argparse
import os
import random
import sys
import time

from tests import servers


def main() -> int:
    """Run all of it; one line per move."""
    parser = argparse.ArgumentParser(prog="tests.faults.moves")
    parser.add_argument("--times", type=int, default=5, help="kills of each step on each way")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    os.environ.update(
        servers.start(), DJANGO_SETTINGS_MODULE="tenlyr.settings", TENLYR_LOG_LEVEL="ERROR"
    )
    try:
        return _run(given.times, given.seed)
    finally:
        servers.stop()


def _run(times: int, seed: int) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from tests import cast
    from tests.isolation.moves import killing, scene
    from tests.isolation.moves.mover import Mover

    with open(os.devnull, "w") as nowhere:
        call_command("setup", verbosity=0, stdout=nowhere)
    scene.only_ours()
    workspace = cast.workspace()
    bad = kills = 0
    with Mover() as mover:
        for way in killing.WAYS:
            counts = killing.calibrate(mover, workspace, way)
            for number in range(times):
                rng = random.Random(f"{seed} {way} {number}")
                story = killing.kill_at_each_step(mover, workspace, way, counts, rng)
                bad, kills = bad + (not story.is_good), kills + len(story.kills)
                sys.stdout.write(f"{'ok ' if story.is_good else 'BAD'} {way} {story.kills}\n")
                if not story.is_good:
                    sys.stdout.write(f"{story} {story.move.error}\n")
                sys.stdout.flush()
    sys.stdout.write(
        f"{kills} kills in {len(killing.WAYS) * times} moves, seed {seed}: {bad} bad\n"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
