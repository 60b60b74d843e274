#!/usr/bin/env bash
# runtime-packages.sh FOLDER: the Debian packages whose libraries the programs and modules below FOLDER load, one a line.
# So the list that an image needs is never written down twice.
set -euo pipefail
mapfile -t libraries < <(find "$1" -type f \( -name '*.so*' -o -perm -u+x \) -print0 |
    xargs -0 -n 1 ldd 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u)
# Packages know their files by the path before or after /lib became a link to /usr/lib: the other one is not found.
{ dpkg-query -S "${libraries[@]}" "${libraries[@]#/usr}" "${libraries[@]/#/\/usr}" 2>/dev/null || true; } |
    cut -d: -f1 | sort -u
