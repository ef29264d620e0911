#!/bin/sh
# Print the browser that the tests drive: CHROMIUM where it is set, else one on the path,
# else Debian's own, installed here when this is Debian and we are root.
find_one() {
    for candidate in chromium chromium-browser google-chrome; do
        command -v "$candidate" && return 0
    done
    return 1
}

if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] && echo "$CHROMIUM" && exit 0
    echo "CHROMIUM=$CHROMIUM is not a program that can be run; give the full path of a Chromium" >&2
    exit 1
fi
find_one && exit 0
if grep -qs '^ID=debian$' /etc/os-release && [ "$(id -u)" = 0 ]; then
    apt-get update >&2 && apt-get install -y --no-install-recommends chromium >&2 || exit 1
    find_one && exit 0
fi
{
    echo "The browser tests need Chromium, and none was found on the path."
    echo "Install it (Debian: apt-get install chromium), or: make test CHROMIUM=/path/to/chromium"
} >&2
exit 1
