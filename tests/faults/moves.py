"""The full form of the killed moves: `python -m tests.faults.moves --times 5` (F71).

Every move is killed at each of its steps once, at a statement drawn by chance; so many moves per
target give so many kills of every step. Ends with 1 when a row differs or a move does not finish.
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
    parser.add_argument("--times", type=int, default=5, help="kills of each step per target")
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

    from apps.isolation.public import Level
    from tests import cast
    from tests.isolation.moves import killing, scene
    from tests.isolation.moves.mover import Mover

    with open(os.devnull, "w") as nowhere:
        call_command("setup", verbosity=0, stdout=nowhere)
    scene.only_ours()
    workspace = cast.workspace()
    bad = kills = 0
    with Mover() as mover:
        for target in (Level.DEDICATED_SCHEMA, Level.DEDICATED_DATABASE):
            counts = killing.calibrate(mover, workspace, target)
            for number in range(times):
                rng = random.Random(f"{seed} {target} {number}")
                story = killing.kill_at_each_step(mover, workspace, target, counts, rng)
                is_good = story.move.status == "completed" and not (
                    story.differences or story.lost_events or story.errors
                )
                bad, kills = bad + (not is_good), kills + len(story.kills)
                sys.stdout.write(f"{'ok ' if is_good else 'BAD'} {target} {story.kills}\n")
                if not is_good:
                    sys.stdout.write(f"{story}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{kills} kills in {2 * times} moves, seed {seed}: {bad} bad\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
