#!/usr/bin/env bash
# runtime-packages.sh FOLDER: the Debian packages whose libraries the programs and modules below FOLDER load, one a line.
# So the list that an image needs is never written down twice.
set -euo pipefail
find "$1" -type f \( -name '*.so*' -o -perm -u+x \) -print0 |
    xargs -0 -n 1 ldd 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u |
    while read -r library; do
        # Packages know their files by the path before or after /lib became a link to /usr/lib.
        dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "${library#/usr}" 2>/dev/null || dpkg-query -S "/usr$library" 2>/dev/null || true
    done | cut -d: -f1 | sort -u
