#!/bin/sh
# Print a Python that is new enough: python3.11 where there is one, else python3.
for candidate in "${PYTHON:-python3.11}" python3; do
    command -v "$candidate" > /dev/null 2>&1 || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || continue
    command -v "$candidate"
    exit 0
done
{
    echo "headwidgets needs Python 3.11 or newer; found: $(python3 --version 2>&1 || true)"
    echo "Install one, or say where it is: make venv PYTHON=/path/to/python"
} >&2
exit 1
