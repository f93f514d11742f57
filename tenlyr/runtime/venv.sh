#!/bin/sh
# Make a virtual environment: venv.sh PYTHON FOLDER. Works without Debian's python3-venv too.
set -eu
python=$1
folder=$2
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Tenlyr needs Python 3.11 or later: set PYTHON to it." >&2
    exit 1
fi
# Without ensurepip (Debian keeps it in python3-venv) the system's own pip can install into the new one.
if "$python" -c 'import ensurepip' 2>/dev/null; then
    exec "$python" -m venv "$folder"
fi
"$python" -m venv --without-pip "$folder"
exec "$python" -m pip --python "$folder/bin/python" install -q --disable-pip-version-check pip
