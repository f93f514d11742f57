#!/bin/sh
# All tests, in groups: some judge or change the whole installation, so that each group gets one of
# its own. A group's servers are its conftest's; what a missing program kept from running is told at
# the end. Exit 1 when a group failed.
# usage: tests/run.sh PYTHON
python=$1
said=$(mktemp)
status=0

group() {
    { "$python" -m pytest "$@"; echo $? >"$said.status"; } | tee -a "$said"
    [ "$(cat "$said.status")" = 0 ] || status=1
}

# Starting the first workspace wants none before it, and a prover a sound installation.
group tests/workspaces tests/prover
# Moves, databases and restores leave places behind that grace periods keep.
group tests/isolation/databases tests/isolation/moves tests/isolation/backups tests/dataplane
group tests --ignore=tests/workspaces --ignore=tests/prover --ignore=tests/dataplane \
    --ignore=tests/isolation/databases --ignore=tests/isolation/moves \
    --ignore=tests/isolation/backups

grep -h 'NOT RUN' "$said"
grep -hE '^(FAILED|ERROR) tests/' "$said"
rm -f "$said" "$said.status"
[ $status = 0 ] && echo "All groups passed." || echo "A group failed."
exit $status
