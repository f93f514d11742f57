#!/bin/sh
# Make a virtual environment: venv.sh PYTHON FOLDER. Works without Debian's python3-venv too.
set -eu
python=$1
folder=$2
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Tenlyr needs Python 3.11 or later: set PYTHON to it." >&2
    exit 1
fi
echo "Making the virtual environment $folder"
# Without ensurepip (Debian keeps it in python3-venv) the system's own pip installs into the new one.
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv --clear "$folder"
else
    "$python" -m venv --clear --without-pip "$folder"
    "$python" -m pip --python "$folder/bin/python" install -q --disable-pip-version-check pip
fi
touch "$folder/.made"
