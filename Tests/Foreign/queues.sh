#!/bin/sh
# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

# Raw queues against Python's posix-ipc and sysv-ipc, in a virtual environment that goes with the test.
set -eu
naru=${1:?the command naru}
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check posix-ipc sysv-ipc
NARU_RUNTIME_DIR="$folder/run" "$folder/venv/bin/python" "$here/queues.py" "$naru"
